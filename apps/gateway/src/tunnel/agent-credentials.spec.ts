import type { PeerCertificate } from 'node:tls';
import { BerthError } from '@berth/errors';
import { checkAgentId, checkCertificate, checkToken } from './agent-credentials.js';

function refusal(run: () => void): BerthError | undefined {
  try {
    run();
  } catch (thrown) {
    return BerthError.from(thrown);
  }
  return undefined;
}

const certificate = (commonName: string | string[], subjectaltname?: string): PeerCertificate =>
  ({ subject: { CN: commonName }, subjectaltname }) as PeerCertificate;

describe('checkAgentId', () => {
  it.each(['a', 'Z9', '0', 'my-laptop', 'a.b_c-d', 'x'.repeat(64)])('A10: takes %j', (id) => {
    expect(refusal(() => checkAgentId(id))).toBeUndefined();
  });

  it.each(['', '-a', '_a', '.', 'a b', 'a:b', 'ü', 'a\n', '\na', 'x'.repeat(65), '__proto__'])(
    'A10: refuses %j',
    (id) => {
      expect(refusal(() => checkAgentId(id))?.code).toBe('BERTH_INVALID_AGENT_ID');
    },
  );

  it('A10: does not repeat an id of any length in its message', () => {
    expect(refusal(() => checkAgentId('!'.repeat(100_000)))?.message.length).toBeLessThan(300);
  });
});

describe('checkToken', () => {
  it('asks for none when none is set', () => {
    expect(refusal(() => checkToken('', ''))).toBeUndefined();
    expect(refusal(() => checkToken('', 'anything'))).toBeUndefined();
  });

  it('takes the right one only', () => {
    expect(refusal(() => checkToken('secret', 'secret'))).toBeUndefined();
    for (const given of ['', 'Secret', 'secre', 'secret ', 'secretsecret']) {
      expect(refusal(() => checkToken('secret', given))?.code).toBe('BERTH_UNAUTHENTICATED');
    }
  });

  it('names neither of them', () => {
    const message = refusal(() => checkToken('sesame-1', 'guess-2'))?.message ?? '';
    expect(message).not.toMatch(/sesame-1|guess-2/);
  });
});

describe('checkCertificate', () => {
  it('A15: takes the CN, one of several, or a DNS or URI name of the SAN', () => {
    for (const good of [
      certificate('agent-1'),
      certificate(['other', 'agent-1']),
      certificate('other', 'DNS:x, DNS:agent-1'),
      certificate('other', 'URI:agent-1'),
      certificate('', 'IP Address:10.0.0.1, DNS:agent-1'),
    ]) {
      expect(refusal(() => checkCertificate(good, 'agent-1'))).toBeUndefined();
    }
  });

  it('A15: refuses every other name', () => {
    for (const bad of [
      certificate('agent-2'),
      certificate('agent-10', 'DNS:agent-11'),
      certificate('', ''),
      certificate('other', 'email:agent-1'),
      certificate('other', 'IP Address:agent-1'),
      // How Node shows a name that itself contains a separator.
      certificate('other', 'DNS:"x, DNS:agent-1"'),
      certificate('AGENT-1'),
      certificate('*'),
    ]) {
      expect(refusal(() => checkCertificate(bad, 'agent-1'))?.code).toBe('BERTH_CERTIFICATE_MISMATCH');
    }
  });

  it('A15: has nothing to say when no certificate was shown', () => {
    expect(refusal(() => checkCertificate(undefined, 'agent-1'))).toBeUndefined();
  });
});
