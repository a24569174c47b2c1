import type { PolicyAgentObserver } from '../managed.js';

const nothing = (): void => undefined;

/** Of an agent that nobody watches; updates of the configuration are refused. */
export const NO_OBSERVER: PolicyAgentObserver = {
  connected: nothing,
  disconnected: nothing,
  unreachable: nothing,
  health: nothing,
  breaker: nothing,
  metrics: nothing,
  log: nothing,
  configUpdate: () => ({ accepted: false, error: 'nobody takes updates here' }),
  pushSettled: nothing,
  judged: nothing,
};
