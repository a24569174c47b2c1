import { jest } from '@jest/globals';
import { IdPatterns } from '@berth/exchange';
import { checkPolicies, PolicyLayers } from './policy-layers.js';
import { PortPolicy } from './port-policy.js';
import { entriesOf } from './policy-schema.js';

describe('policies', () => {
  it('without any, no rule is set', () => {
    const { policy, sources } = new PolicyLayers({}).effective('a', 'default');
    expect([policy, sources.size]).toEqual([new PortPolicy(), 0]);
  });

  it('the more exact name is the stronger, whatever the order; and each value says where it is from', () => {
    const rate = (requestsPerSecond: number) => ({ rate: { requestsPerSecond } });
    const layers = new PolicyLayers({
      'web-1/api': rate(6),
      'web-1': { ...rate(5), access: { readOnly: true } },
      'web-*/api': rate(4),
      'web-*': rate(3),
      '*/api': rate(2),
      '*': { rate: { requestsPerSecond: 1, burst: 9 } },
    });
    const of = (id: string, service: string) => layers.effective(id, service).policy.rate.requestsPerSecond;
    expect([of('x', 'default'), of('x', 'api'), of('web-2', 'default'), of('web-2', 'api')]).toEqual([1, 2, 3, 4]);
    expect([of('web-1', 'default'), of('web-1', 'api')]).toEqual([5, 6]);
    const { policy, sources } = layers.effective('web-1', 'api');
    expect([policy.rate.burst, policy.access.readOnly]).toEqual([9, true]);
    expect(Object.fromEntries(sources)).toEqual({
      'rate.requestsPerSecond': 'policies."web-1/api"',
      'rate.burst': 'policies."*"',
      'access.readOnly': 'policies."web-1"',
    });
    const own = [{ entries: entriesOf(rate(7)), source: 'PATCH' }];
    expect(layers.effective('web-1', 'api', own).policy.rate.requestsPerSecond).toBe(7);
  });

  it('of thousands of agents are found without a look at those of all others', () => {
    const layers = new PolicyLayers(
      Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`kiosk-${i}`, { access: { readOnly: i % 2 === 0 } }])),
    );
    const looked = jest.spyOn(IdPatterns.prototype, 'find');
    for (const i of [0, 1, 2999])
      expect(layers.effective(`kiosk-${i}`, 'default').policy.access.readOnly).toBe(i % 2 === 0);
    expect(looked).not.toHaveBeenCalled();
    looked.mockRestore();
  });

  it.each([
    ['no agent', { 'a b': {} }, '"a b" is no agent id'],
    ['no service', { 'a/B c': {} }, '"a/B c": the local service must be'],
    ['no group', { a: 'x' }, '"a" must be a group of rules'],
    [
      'an unknown rule',
      { a: { rate: { perSecond: 1 } } },
      '"a": rate.perSecond: is no setting; rate has requestsPerSecond, burst',
    ],
    [
      'a bad network',
      { a: { access: { deny: ['10.0.0.0/33'] } } },
      'access.deny: "10.0.0.0/33" is no address and no network',
    ],
    ['a bad number', { a: { rate: { burst: -1 } } }, 'rate.burst: must be a whole number from 0 to 10000000 (got -1)'],
    [
      'a header that frames',
      { a: { headers: { request: { set: { 'Content-Length': '1' } } } } },
      '"Content-Length" says where messages end',
    ],
    [
      'a line break',
      { a: { headers: { response: { add: { A: 'x\r\ny' } } } } },
      '"A" must have a text without line breaks',
    ],
    ['a bad URL', { a: { auth: { forwardUrl: 'ftp://x' } } }, 'auth.forwardUrl: must be an http or https URL'],
    [
      'a hash that is none',
      { a: { auth: { users: { ann: 'sha256:zz' } } } },
      'auth.users: "ann" must have 64 hex digits',
    ],
    [
      'the same of a token',
      { a: { auth: { bearerTokens: ['sha256:'] } } },
      'auth.bearerTokens: a token must have 64 hex',
    ],
    [
      'cookies for all',
      { a: { cors: { origins: ['*'], credentials: true } } },
      'cors.credentials: does not go with the origin *',
    ],
  ])('bad input, %s: says what and where', (_name, map, said) => {
    expect(checkPolicies(map)).toContain(said);
  });

  it('names everything that is wrong, and no secret', () => {
    const wrong = { a: { auth: { users: { 'x:y': 'hush' }, bearerTokens: 5 }, rate: { burst: 'x' } } };
    const said = checkPolicies(wrong) ?? '';
    expect(said).toMatch(/rate\.burst.*; auth\.users.*; auth\.bearerTokens/);
    expect(said).not.toContain('hush');
    expect(said).not.toContain('options');
  });

  it('values may stand in quotes, as in a file', () => {
    const layers = new PolicyLayers({
      a: { rate: { burst: '5' }, access: { readOnly: 'true', deny: '10.0.0.0/8, ::1' } },
    });
    const { access, rate } = layers.effective('a', 'default').policy;
    expect([rate.burst, access.readOnly, access.deny]).toEqual([5, true, ['10.0.0.0/8', '::1']]);
  });

  it('thousands of them are read in a moment', () => {
    const map = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => [`agent-${i}`, { rate: { requestsPerSecond: i + 1 } }]),
    );
    expect(checkPolicies(map)).toBeUndefined();
    expect(new PolicyLayers(map).effective('agent-999', 'default').policy.rate.requestsPerSecond).toBe(1000);
  });
});
