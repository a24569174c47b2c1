import { BerthError } from '@berth/errors';
import { type Conversation, type EventKind, LIMIT_DEFAULTS } from '@berth/policy-agents';

/** Stands for an agent that a policy names and that there is not (any more): nothing passes unseen. */
export function missingAgent(agentName: string, asked: () => void): Conversation {
  return {
    agentName,
    limits: LIMIT_DEFAULTS,
    failsOpen: false,
    supports: (kind: EventKind) => kind === 'requestHeaders',
    ask: () => {
      asked();
      const what = `there is no policy agent ${agentName} (policyAgents, PUT /policy-agents/${agentName})`;
      return Promise.reject(new BerthError('BERTH_POLICY_UNAVAILABLE', what));
    },
    misjudged: () => undefined,
    unseen: () => undefined,
    cancel: () => undefined,
    end: () => undefined,
  };
}
