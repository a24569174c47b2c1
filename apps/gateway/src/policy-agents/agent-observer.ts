import type { HealthState } from '@berth/agent-pool';
import { cut, LimitedLog, type Log, printable } from '@berth/observability';
import type {
  AgentLink,
  BreakerState,
  ConfigUpdate,
  Judgement,
  LogReport,
  MetricsReport,
  PolicyAgentObserver,
  PolicyPush,
} from '@berth/policy-agents';
import type { LifecycleEvents } from '../lifecycle/index.js';
import type { AgentStats } from './agent-stats.js';
import type { ConfigUpdates, UpdateReply } from './config-updates.js';
import { reportOf } from './metrics-report.js';
import type { ReportedMetrics } from '../reported-metrics/index.js';

/** What is known of an agent by its name, whatever stands behind it. */
export interface Known {
  readonly name: string;
  readonly stats: AgentStats;
  readonly updates: ConfigUpdates;
  readonly reported: ReportedMetrics;
  /** kinds of updates that are taken */
  readonly acceptUpdates: () => readonly string[];
}

const MAX_CHARS = 1024;

/** Writes down what happens to an agent: log, events, figures. */
export class AgentObserver implements PolicyAgentObserver {
  private readonly limitedLog: LimitedLog;
  /** by connection: the id that its process gives itself, and since which its series count */
  private readonly replicas = new Map<string, string>();
  private isRetired = false;

  constructor(
    private readonly known: Known,
    private readonly events: LifecycleEvents,
    private readonly out: Log,
  ) {
    this.limitedLog = new LimitedLog(out, undefined, { policyAgent: known.name });
  }

  /** Another agent has its place: that its connections end is no news. */
  retire(): void {
    this.isRetired = true;
  }

  connected(connectionId: string, { capabilities, remote, transport }: AgentLink): void {
    const { name, stats } = this.known;
    const { agentId, version } = capabilities;
    const isFirst = this.replicas.size === 0;
    this.replicas.set(connectionId, agentId.slice(0, MAX_CHARS));
    stats.connects += 1;
    const fields = { policyAgent: name, connectionId, remote, transport, version: version.slice(0, MAX_CHARS) };
    if (isFirst) this.limitedLog.info(fields, 'policy agent is there');
    else this.out.debug(fields, 'policy agent has one more connection');
    this.events.emit('policy-agent.connected', { name, connectionId, remote, transport, version: fields.version });
  }

  disconnected(connectionId: string, reason: string, detail: string): void {
    const { name, stats } = this.known;
    if (!this.replicas.delete(connectionId)) return;
    stats.disconnects += 1;
    const fields = { policyAgent: name, connectionId, reason, detail: printable(cut(detail, MAX_CHARS)) };
    if (reason === 'BERTH_PROTOCOL_ERROR')
      this.limitedLog.warn(fields, 'policy agent has broken the protocol: its connection was ended');
    if (this.replicas.size === 0 && !this.isRetired) this.limitedLog.warn(fields, 'policy agent is away');
    else this.out.debug(fields, 'policy agent has one connection less');
    this.events.emit('policy-agent.disconnected', { name, connectionId, reason, left: this.replicas.size });
  }

  unreachable(reason: string): void {
    if (!this.isRetired)
      this.limitedLog.warn({ reason }, 'policy agent cannot be reached; it is tried again and again');
  }

  health(connectionId: string, from: HealthState, to: HealthState, reason: string): void {
    const fields = { connectionId, from, to, reason: reason.slice(0, MAX_CHARS) };
    if (to === 'unhealthy') this.limitedLog.warn(fields, 'a connection of a policy agent is unhealthy');
    else if (from === 'unhealthy') this.limitedLog.info(fields, 'a connection of a policy agent has recovered');
    else this.limitedLog.debug(fields, 'the health of a connection of a policy agent has changed');
  }

  breaker(state: BreakerState): void {
    if (state === 'open') this.limitedLog.warn({}, 'policy agent fails, and is asked nothing for a while (breaker)');
    else if (state === 'closed') this.limitedLog.info({}, 'policy agent is asked again (breaker)');
  }

  metrics(connectionId: string, report: MetricsReport): void {
    const { reported } = this.known;
    const now = performance.now();
    const replicaId = this.replicas.get(connectionId) ?? connectionId;
    const rejected = reported.take(replicaId, reportOf(report), now, (id) => this.hasReplica(id));
    if (rejected === undefined) return;
    this.limitedLog.warn({ ...rejected }, 'series that a policy agent reports were not taken');
  }

  log(connectionId: string, { correlationId, fields, level, message }: LogReport): void {
    this.out[level](
      { policyAgent: this.known.name, connectionId, correlationId, said: message, fields },
      'policy agent says',
    );
  }

  configUpdate(update: ConfigUpdate): UpdateReply {
    const { acceptUpdates, name, updates } = this.known;
    const shown = updates.take(update, acceptUpdates());
    const { accepted, error, kind, requestId, what } = shown;
    const fields = { kind, accepted, ...(error !== '' && { reason: error }), what };
    const isBad = kind === 'restart' || kind === 'error';
    if (isBad)
      this.limitedLog.warn(
        fields,
        `policy agent says that ${kind === 'error' ? 'its configuration is wrong' : 'it must be started again'}`,
      );
    else this.limitedLog.info(fields, 'policy agent wants a change of the configuration');
    this.events.emit('policy-agent.config-update', { name, requestId, kind, accepted, error, what });
    return { accepted, ...(error !== '' && { error }) };
  }

  pushSettled({ error, id, state, tries }: PolicyPush): void {
    const fields = { policyAgent: this.known.name, pushId: id, tries };
    if (state === 'acknowledged') this.out.info(fields, 'configuration acknowledged by a policy agent');
    else
      this.out.warn({ ...fields, reason: error.slice(0, MAX_CHARS) }, `configuration push to a policy agent ${state}`);
  }

  judged(judgement: Judgement): void {
    this.known.stats.judged(judgement);
    const { correlationId, durationMs, event, outcome, reason } = judgement;
    // These have a line of their own, which says why.
    const isTold = reason === 'invalid' || reason === 'unseen';
    if ((outcome === 'error' || outcome === 'skipped') && !isTold)
      this.limitedLog.warn(
        { event, outcome, reason, durationMs: Math.round(durationMs), correlationId },
        'a question to a policy agent has no answer',
      );
  }

  hasReplica(replicaId: string): boolean {
    for (const id of this.replicas.values()) if (id === replicaId) return true;
    return false;
  }
}
