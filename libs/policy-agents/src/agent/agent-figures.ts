import { figuresOf, type Member } from '@berth/agent-pool';
import type { PolicyAgentFigures, PolicyConnectionFigures } from '../managed.js';
import type { Core } from './core.js';
import type { PolicyConnection } from './policy-connection.js';

/** An agent as it is now (checklist C14, C16, C21). @param problem of the last attempt to dial */
export function agentFigures({ pool, admission, ledger, breaker, drained }: Core, problem: string): PolicyAgentFigures {
  const { members } = pool;
  const { activeConnections, healthyConnections, inFlight } = figuresOf(pool);
  const capacity = members.reduce((sum, { connection }) => sum + connection.capacity, 0);
  const { requests, responses, errors, timeouts, skipped, cancelled, lateAnswers, unknownAnswers, passedOver } = ledger;
  return {
    connections: members.map(connectionFigures),
    inFlight,
    waiting: admission.waiting,
    requests,
    errors,
    timeouts,
    skipped,
    cancelled,
    lateAnswers,
    unknownAnswers,
    passedOver,
    flowSignals: ledger.pauses + ledger.resumes + ledger.capacityUpdates,
    rejections: { ...ledger.rejections },
    breaker: breaker.state,
    breakerOpened: breaker.opened,
    drained,
    problem,
    decisions: ledger.decisions,
    protocol: {
      responses,
      connectionErrors: ledger.connectionErrors,
      serializationErrors: ledger.serializationErrors,
      pauses: ledger.pauses,
      resumes: ledger.resumes,
      capacityUpdates: ledger.capacityUpdates,
      completesLeftOut: ledger.completesLeftOut,
      affinityEvictions: members.reduce(
        (sum, { connection }) => sum + connection.conversations.evictions,
        ledger.affinityEvictions,
      ),
      conversations: members.reduce((sum, { connection }) => sum + connection.conversations.size, 0),
      bufferUse: capacity === 0 ? 0 : inFlight / capacity,
      activeConnections,
      healthyConnections,
      pausedConnections: members.filter(({ connection }) => connection.paused).length,
      durations: ledger.durations,
    },
  };
}

function connectionFigures({
  connection,
  health,
  requests,
  errors,
}: Member<PolicyConnection>): PolicyConnectionFigures {
  const { id, link, connectedAt, inFlight, capacity, paused, capabilities, state } = connection;
  return {
    id,
    remote: link.remote,
    transport: link.transport,
    state: health.state,
    reason: health.reason,
    connectedAt,
    inFlight,
    capacity,
    requests,
    errors,
    paused,
    capabilities,
    lastReport: state.lastReport,
  };
}
