import { idleRules, lockout } from './lockout.js';
import { entriesOf, policyOf } from './policy-schema.js';

describe('a policy that lets nobody in', () => {
  it.each([
    [{}, undefined],
    [{ deny: ['0.0.0.0/0'] }, undefined],
    [{ deny: ['0.0.0.0/0', '::/0'] }, 'access.deny names all addresses'],
    [{ allow: ['10.1.0.0/16', '192.0.2.1'], deny: ['10.0.0.0/8'] }, undefined],
    [
      { allow: ['10.1.0.0/16', '192.0.2.1'], deny: ['10.0.0.0/8', '192.0.2.0/24'] },
      'access.deny names all that access.allow does',
    ],
    [{ allow: ['10.0.0.0/8'], deny: ['10.0.0.0/16'] }, undefined],
  ])('%j: %s', (access, why) => {
    expect(lockout(policyOf(entriesOf({ access })))).toBe(why);
  });
});

describe('rules that do nothing without others', () => {
  it.each([
    [{}, []],
    [{ proxyProtocol: 'v1', trustedProxies: ['10.0.0.1'], proxyHeaderOptional: true }, []],
    [{ proxyProtocol: 'v1' }, [expect.stringMatching(/^access\.proxyProtocol has no effect/)]],
    [{ proxyHeaderOptional: true }, [expect.stringMatching(/^access\.proxyHeaderOptional has no effect/)]],
  ])('%j', (access, idle) => {
    expect(idleRules(policyOf(entriesOf({ access })))).toEqual(idle);
  });
});
