import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressOf } from './agent-checks.js';
import { agentOf, checkAgents } from './agent-schema.js';
import { listenerFaults } from './listener-rules.js';
import { PolicyListenerSettings } from './policy-agents.settings.js';

const problem = (part: object): string => {
  try {
    agentOf(part);
    return '';
  } catch (thrown) {
    return (thrown as Error).message;
  }
};

describe('settings of a policy agent', () => {
  it.each([
    ['grpc://waf:50051', { kind: 'grpc', target: 'waf:50051', secure: false }],
    ['grpcs://[::1]:1', { kind: 'grpc', target: '[::1]:1', secure: true }],
    ['127.0.0.1:50051', { kind: 'grpc', target: '127.0.0.1:50051', secure: false }],
    ['unix:/run/waf', { kind: 'unix', path: '/run/waf' }],
    ['unix:///run/waf', { kind: 'unix', path: '/run/waf' }],
    ['/run/waf', { kind: 'unix', path: '/run/waf' }],
    ['waf.sock', { kind: 'unix', path: 'waf.sock' }],
    ['reverse', { kind: 'reverse' }],
  ])('has an address: %s', (text, expected) => {
    expect(addressOf(text)).toEqual(expected);
  });

  it.each([
    'http://waf:1',
    'waf',
    'waf:0',
    'waf:65536',
    'grpc://waf',
    'grpc:///run/waf.sock',
    `/${'x'.repeat(103)}`,
    '',
  ])('refuses what is none: %s', (address) => {
    expect(problem({ address })).toMatch(/^address: /);
  });

  it.each([
    [{ address: '/run/a', token: 't' }, /^token: is for agents that dial/],
    [{ address: '/run/a', ids: ['a'] }, /^ids: are for agents that dial/],
    [{ address: 'a:1', tls: { caFile: 'ca.pem' } }, /^tls: is for addresses that begin with grpcs/],
    [{ address: 'grpcs://a:1', tls: { certFile: 'a.pem' } }, /^tls: certFile and keyFile go together/],
    [{ address: '/run/a', unary: true }, /^unary: /],
    [{ address: 'reverse', token: '***' }, /^token: \*\*\* stands for/],
    [{ address: 'a:1', timeoutMs: 0 }, /^timeoutMs: must be a whole number/],
    [{ address: 'a:1', timeout: 1 }, /^timeout: is no setting/],
    [{ address: 'a:1', paths: ['admin'] }, /^paths: "admin" is no path/],
    [{ address: 'a:1', acceptUpdates: ['all'] }, /^acceptUpdates: "all" is none of reload, rules, list/],
    [{ address: 'reverse', tokenFile: '/nowhere' }, /^tokenFile: .*cannot be read/],
  ])('refuses %j', (part, expected) => {
    expect(problem(part)).toMatch(expected);
  });

  it('reads its token from a file, and never shows it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-token-'));
    try {
      const tokenFile = join(folder, 'token');
      writeFileSync(tokenFile, 'hush\n');
      expect(agentOf({ address: 'reverse', tokenFile }).token).toBe('hush');
      expect(problem({ address: '/run/a', tokenFile })).not.toContain('hush');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names the agent that is wrong', () => {
    expect(checkAgents({ waf: { address: 'a:1' }, auth: { address: 'b' } })).toMatch(/^"auth": address: /);
    expect(checkAgents({ 'a/b': { address: 'a:1' } })).toMatch(/^"a\/b": the name must be /);
    const taken = '"b": ids: a is expected of policy agent a as well; give each ids of its own';
    expect(checkAgents({ a: { address: 'reverse' }, b: { address: 'reverse', ids: ['b', 'a'] } })).toBe(taken);
    expect(checkAgents({ a: { address: 'reverse' }, b: { address: 'reverse', ids: ['b', 'b'] } })).toBeUndefined();
    expect(checkAgents({ waf: 'a:1' })).toBe('"waf" must be a group of settings');
  });

  it('needs a listener where it dials, and a token where anybody could', () => {
    const listenerWith = (over: Partial<PolicyListenerSettings>) => Object.assign(new PolicyListenerSettings(), over);
    const agents = { waf: { address: 'reverse' } };
    const [first] = listenerFaults(listenerWith({}), agents);
    expect(first).toEqual(['policyAgents', '"waf": address: reverse needs policyListener.path or policyListener.port']);
    expect(listenerFaults(listenerWith({ path: '/run/policy.sock' }), agents)).toEqual([]);
    expect(listenerFaults(listenerWith({ port: 9191 }), agents)).toEqual([]);
    const open = listenerFaults(listenerWith({ host: '0.0.0.0', port: 9191 }), agents);
    expect(open[0]?.[1]).toMatch(/^"waf": token: is needed because policyListener.host, 0.0.0.0/);
    const both = listenerFaults(listenerWith({ path: '/run/policy.sock', port: 9191 }), {});
    expect(both[0]?.[0]).toBe('policyListener.path');
  });
});
