import { describe, expect, it } from '@jest/globals';
import { capabilities } from '../../../testing/messages.js';
import { admission, type AdmissionRules } from './admission.js';
import type { Registration } from './registration.js';

function judge(rules: Partial<AdmissionRules>, registration: Partial<Registration> = {}) {
  const admit = admission({ agents: [['waf', undefined]], maxConnections: 2, connections: () => 0, ...rules });
  return admit({
    protocolVersion: 2,
    agentId: 'waf',
    capabilities,
    token: undefined,
    metadata: undefined,
    ...registration,
  });
}

describe('admission of agents that register', () => {
  it('takes in an agent that is expected, by its id or a pattern', () => {
    expect(judge({})).toBeUndefined();
    expect(judge({ agents: [['w*', undefined]] })).toBeUndefined();
  });

  it('refuses another version and an id that is none', () => {
    expect(judge({}, { protocolVersion: 1 })).toMatchObject({
      code: 'BERTH_VERSION_UNSUPPORTED',
      message: 'version 1 of the protocol is not spoken here; 2 is',
    });
    for (const agentId of ['', '../x', 'a b', 'x'.repeat(65), 'a\r\nb']) {
      expect(judge({ agents: [['*', undefined]] }, { agentId })).toMatchObject({ code: 'BERTH_INVALID_AGENT_ID' });
    }
  });

  it('wants the token of the agent, and the shared one of those without one', () => {
    const agents = [
      ['waf', 'own'],
      ['*', undefined],
    ] as const;
    const rules = { agents, sharedToken: 'shared' };
    expect(judge(rules, { token: 'own' })).toBeUndefined();
    expect(judge(rules, { agentId: 'other', token: 'shared' })).toBeUndefined();
    for (const token of [undefined, '', 'shared', 'ow', 'own ', 'OWN', 'ownx']) {
      expect(judge(rules, { token })).toMatchObject({ code: 'BERTH_UNAUTHENTICATED' });
    }
    expect(judge(rules, { agentId: 'other', token: 'own' })).toMatchObject({ code: 'BERTH_UNAUTHENTICATED' });
  });

  it('tells the agent the same of a wrong id and a wrong token, and a log what it was', () => {
    const unknown = judge({ agents: [['waf', 's3cret']] }, { agentId: 'other', token: 's3cret' });
    const wrong = judge({ agents: [['waf', 's3cret']] }, { token: 'guess' });
    expect(unknown?.message).toBe(wrong?.message);
    expect(unknown?.cause).toEqual(new Error('no agent of that id is expected'));
    expect(wrong?.cause).toEqual(new Error('its token is not the right one'));
    expect(JSON.stringify([unknown, wrong, String(wrong), String(wrong?.cause)])).not.toMatch(/s3cret|guess/);
  });

  it('refuses an agent that has all its connections', () => {
    const counts = new Map([['waf', 2]]);
    const connections = (id: string) => counts.get(id) ?? 0;
    expect(judge({ connections })).toMatchObject({
      code: 'BERTH_TOO_MANY_CONNECTIONS',
      message: 'it has 2 connections already',
    });
    counts.set('waf', 1);
    expect(judge({ connections })).toBeUndefined();
  });

  it('takes nobody in when nobody is expected', () => {
    expect(judge({ agents: [] })).toMatchObject({ code: 'BERTH_UNAUTHENTICATED' });
  });
});
