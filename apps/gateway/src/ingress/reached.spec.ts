import { ResetCode } from '@berth/exchange';
import { FakeClient, fakeRequest } from '../../../../libs/exchange/testing/fake-dispatch.js';
import { FakeExchange } from '../../../../libs/exchange/testing/fake-exchange.js';
import { reachedBy } from './reached.js';

describe('whether a request may have reached the local service', () => {
  const exchange = (): FakeExchange => new FakeExchange(fakeRequest().openHead, new FakeClient());

  it.each([...Object.entries(ResetCode), ['connectionLost', 'connection-lost']] as const)(
    'by the failure %s',
    (name, code) => {
      const notBegun = ['refused', 'localUnreachable', 'localBusy', 'unsupported'];
      expect(reachedBy({ code, message: '' }, exchange())).toBe(notBegun.includes(name) ? 'no' : 'maybe');
      expect(reachedBy({ code, message: '' }, undefined)).toBe('no');
    },
  );

  it('goes by an earlier try as well', () => {
    const failure = { code: ResetCode.refused, message: '', mayHaveReached: true };
    expect(reachedBy(failure, exchange())).toBe('maybe');
  });

  it('goes by the head of an answer more than by what is said behind it', () => {
    const answered = Object.assign(exchange(), { headReceived: true });
    expect(reachedBy({ code: ResetCode.refused, message: '' }, answered)).toBe('maybe');
  });
});
