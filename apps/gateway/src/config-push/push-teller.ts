import type { Settled } from '@berth/agent-pool';
import type { Log } from '@berth/observability';
import type { LifecycleEvents } from '../lifecycle/index.js';

/** Says what became of pushes: one event and one line for each replica. */
export function tellPushes(events: LifecycleEvents, log: Log): Settled {
  return ({ id: pushId, agentId }, { replicaId, state, error, tries }) => {
    if (state === 'pending' || state === 'sent') return;
    events.emit('config.settled', { agentId, replicaId, pushId, state, error });
    const fields = { agentId, replicaId, pushId, tries };
    if (state === 'acknowledged') log.info(fields, 'configuration acknowledged');
    else log.warn({ ...fields, reason: error }, `configuration push ${state}`);
  };
}
