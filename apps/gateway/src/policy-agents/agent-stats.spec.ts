import type { AuditData } from '@berth/policy-agents';
import { AgentStats } from './agent-stats.js';
import type { JudgedEvent } from './exchange/index.js';

const judged: JudgedEvent = {
  agentName: 'waf',
  correlationId: 'c',
  event: 'requestHeaders',
  decision: 'allow',
  status: 0,
  skipped: false,
  audit: undefined,
  method: 'PUT',
  path: '/x',
  clientAddress: '127.0.0.1',
};

const nothing: AuditData = { tags: [], ruleIds: [], reasonCodes: [], custom: {} };

describe('the last decisions of a policy agent', () => {
  it('are those that say something: chunks of a body that pass do not push them out', () => {
    const stats = new AgentStats();
    stats.recent.resize(3);
    stats.decided(judged);
    stats.decided({ ...judged, event: 'requestBody', decision: 'block', status: 403 });
    for (let i = 0; i < 10; i += 1) stats.decided({ ...judged, event: 'requestBody', audit: nothing });
    stats.decided({ ...judged, event: 'responseBody', audit: { ...nothing, ruleIds: ['r1'] } });
    const kept = stats.recent.list().map(({ event, outcome }) => `${event} ${outcome}`);
    expect(kept.sort()).toEqual(['requestBody block', 'requestHeaders allow', 'responseBody allow']);
  });
});
