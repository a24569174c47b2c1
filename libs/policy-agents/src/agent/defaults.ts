import type { PolicyAgentOptions } from '../managed.js';

/** As in checklist C1 and C19; what it does not say is below a comment. */
export const POLICY_AGENT_DEFAULTS: PolicyAgentOptions = {
  strategy: 'roundRobin',
  connections: 4,
  connectTimeoutMs: 5000,
  timeoutMs: 30_000,
  failMode: 'closed',
  flowMode: 'failClosed',
  flowWaitMs: 100,
  maxInFlightPerConnection: 100,
  pingIntervalMs: 10_000,
  drainMs: 30_000,
  push: { ackTimeoutMs: 10_000, tries: 3, retryMs: 2000, maxPending: 100, history: 100 },
  // Of Berth.
  maxWaiting: 1000,
  breaker: { failures: 5, openMs: 10_000 },
  maxLogsPerSecond: 10,
  rememberedDecisions: 100,
};
