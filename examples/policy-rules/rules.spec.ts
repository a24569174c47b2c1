import { describe, expect, it } from '@jest/globals';
import { type Answer, plainPaths, type PolicyRequest } from 'berth-policy';
import { Rules } from './rules.js';

const rules = Rules.from({
  rules: [
    { id: 'office', action: 'allow', paths: ['/admin'], from: ['10.1.0.0/16', '2001:db8::/32', '192.0.2.7'] },
    { id: 'no-admin', action: 'block', paths: ['/admin', '/private/'] },
    { id: 'no-writes', action: 'block', methods: ['POST', 'PUT'], from: ['203.0.113.0/24'], status: 405 },
  ],
});

function judged(uri: string, clientIp: string, method = 'GET'): Answer {
  return rules.judge({ paths: plainPaths(uri), clientIp, method } as Partial<PolicyRequest> as PolicyRequest);
}

describe('example: rules about addresses and paths', () => {
  it.each([
    ['/', '198.51.100.1', 'GET', 'allow', undefined],
    ['/admin', '198.51.100.1', 'GET', 'block', 'no-admin'],
    ['/admin/users', '198.51.100.1', 'GET', 'block', 'no-admin'],
    ['/administration', '198.51.100.1', 'GET', 'allow', undefined],
    ['/private/x', '198.51.100.1', 'GET', 'block', 'no-admin'],
    ['/admin', '10.1.2.3', 'GET', 'allow', 'office'],
    ['/admin', '10.2.2.3', 'GET', 'block', 'no-admin'],
    ['/admin', '2001:db8::1', 'GET', 'allow', 'office'],
    ['/admin', '192.0.2.7', 'GET', 'allow', 'office'],
    ['//host/admin', '198.51.100.1', 'GET', 'block', 'no-admin'],
    ['//host/admin', '10.1.2.3', 'GET', 'block', 'no-admin'],
    ['/', '203.0.113.9', 'POST', 'block', 'no-writes'],
    ['/', '203.0.113.9', 'GET', 'allow', undefined],
    ['/', '', 'POST', 'allow', undefined],
  ])('%s of %s by %s: %s', (path, clientIp, method, kind, rule) => {
    const { decision, audit } = judged(path, clientIp, method);
    expect([decision.kind, audit?.ruleIds[0]]).toEqual([kind, rule]);
  });

  it.each([
    [null, 'the configuration must be { "rules": [ … ] }'],
    [{ rules: [{}] }, 'rules[0]: id must be a text'],
    [{ rules: [{ id: 'a', action: 'deny' }] }, 'rules[0]: action must be "allow" or "block"'],
    [{ rules: [{ id: 'a', action: 'block', path: ['/x'] }] }, 'rules[0]: there is no "path"'],
    [{ rules: [{ id: 'a', action: 'block', paths: ['x'] }] }, 'rules[0]: paths begin with /'],
    [
      { rules: [{ id: 'a', action: 'block', from: ['10.0.0.0/33'] }] },
      'rule a: "10.0.0.0/33" is no address and no network',
    ],
    [{ rules: [{ id: 'a', action: 'block', status: 200 }] }, 'rules[0]: status must be from 400 to 599'],
  ])('a configuration that is wrong is refused: %j', (config, message) => {
    expect(() => Rules.from(config)).toThrow(message);
  });
});
