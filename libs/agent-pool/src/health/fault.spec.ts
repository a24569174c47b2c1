import { ResetCode } from '@berth/exchange';
import { countsAgainst } from './fault.js';

describe('what speaks against a connection', () => {
  it('is what the agent or its link failed at, and nothing that a client, a limit or the gateway ended', () => {
    const counting = Object.entries(ResetCode).filter(([, code]) => countsAgainst(code));
    expect(counting.map(([name]) => name).sort()).toEqual(['localFailed', 'localTimeout', 'localUnreachable']);
    expect(countsAgainst('connection-lost')).toBe(true);
  });
});
