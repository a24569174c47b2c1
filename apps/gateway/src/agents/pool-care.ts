import {
  type AgentConnection,
  HEALTH_DEFAULTS,
  type HealthChange,
  type Member,
  OUTLIER_DEFAULTS,
  OutlierDetector,
  type PoolOptions,
  type StrategyName,
} from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import { LimitedLog, type Log } from '@berth/observability';
import type { LifecycleEvents } from '../lifecycle/index.js';
import type { ReportedMetricsOptions } from '../reported-metrics/index.js';
import type { AdmissionSettings } from './admission.settings.js';
import { Agent } from './agent.js';
import { LocalProbe, probeLocal } from './local-probe.js';
import type { OutlierSettings } from './outliers.settings.js';
import type { ProbeSettings } from './probe.settings.js';

/** For the ping that shows whether a replica is fit to come back, ms. */
const PING_MS = 5000;
/** A ping that takes more than half of its time, and others take over until it is answered. */
const MISSED_PINGS = 1;

export interface PoolCareOptions {
  poolStrategy: StrategyName;
  slowStartMs: number;
  outliers: Readonly<OutlierSettings>;
  admission: Readonly<AdmissionSettings>;
  probe: Readonly<ProbeSettings>;
  reportedMetrics: ReportedMetricsOptions;
  /** silence after which a connection is dropped, ms */
  staleAfterMs: number;
}

/** An agent with what is due for it by the clock. */
export interface CaredAgent {
  agent: Agent;
  /** who takes out replicas that fail or are slow; undefined: nobody */
  outliers: OutlierDetector<AgentConnection> | undefined;
  /** who asks its local services; undefined: nobody */
  probe: LocalProbe | undefined;
}

/** The pools of agents: how they are made, what is told of their connections, and what is due by the clock. */
export class PoolCare {
  private readonly limitedLog: LimitedLog;

  constructor(
    private readonly options: PoolCareOptions,
    private readonly events: LifecycleEvents,
    private readonly log: Log,
  ) {
    // An agent can change its health as often as it likes.
    this.limitedLog = new LimitedLog(log);
  }

  /**
   * An agent as its first connection says, and who takes care of its connections.
   *
   * @param shared whether other processes with its id are replicas of it
   */
  newAgent({ agentId, origin }: AgentConnection, portKind: string, shared: boolean): CaredAgent {
    const { whenPaused: mode, ...waiting } = this.options.admission;
    const pool = this.poolFor(agentId, shared);
    const agent = new Agent(agentId, origin.instanceId, portKind, pool, shared, {
      admission: { mode, ...waiting },
      reported: this.options.reportedMetrics,
    });
    const { probe } = this.options;
    return {
      agent,
      outliers: this.outliersOf(agent),
      probe: probe.path === '' ? undefined : new LocalProbe(agent.connections, probe),
    };
  }

  /** To be called about once a second for each agent. @param now monotonic ms */
  tick({ agent, outliers, probe }: CaredAgent, now: number): void {
    const { connections, admission } = agent;
    for (const { connection, health } of connections.members) if (connection.draining) health.draining(now);
    connections.tick(now);
    outliers?.tick();
    probe?.tick(now);
    // That a network takes again what waited for it, nobody tells.
    admission.roomMade();
  }

  /**
   * Closes connections that have been silent for too long (checklist A12), and forgets what is reported no more (C20).
   *
   * @param now monotonic ms
   */
  sweep(agent: Agent, now: number): void {
    const { id: agentId, connections } = agent;
    agent.forgetReported(now);
    for (const connection of connections.all) {
      const silentMs = Math.round(now - connection.lastSeenAt);
      if (silentMs <= this.options.staleAfterMs) continue;
      this.log.warn({ agentId, connectionId: connection.id, silentMs }, 'dropping a silent connection');
      connection.close(
        new BerthError('BERTH_CONNECTION_SILENT', `nothing received for ${silentMs} ms (tunnel.staleAfterMs)`),
      );
    }
  }

  private poolFor(agentId: string, shared: boolean): Partial<PoolOptions<AgentConnection>> {
    const { poolStrategy, slowStartMs, outliers, probe } = this.options;
    const onHealth = (member: Member<AgentConnection>, change: HealthChange): void => {
      this.changed(agentId, member, change);
    };
    const health = { ...HEALTH_DEFAULTS, missedPings: MISSED_PINGS, probeFall: probe.fall, probeRise: probe.rise };
    const pool = { strategy: poolStrategy, slowStartMs: shared ? slowStartMs : 0, health, onHealth };
    return outliers.count5xx ? { ...pool, isFault: is5xx } : pool;
  }

  private outliersOf({ connections, shared }: Agent): OutlierDetector<AgentConnection> | undefined {
    const { enabled, errorPercent, ...limits } = this.options.outliers;
    if (!enabled || !shared) return undefined;
    const { probe: asked } = this.options;
    const probe = (connection: AgentConnection): Promise<boolean> =>
      asked.path === '' ? connection.answers(PING_MS) : probeLocal(connection, asked);
    const options = { ...OUTLIER_DEFAULTS, ...limits, errorShare: errorPercent / 100, probe };
    return new OutlierDetector(connections, options, () => performance.now());
  }

  private changed(agentId: string, { connection, replica }: Member<AgentConnection>, change: HealthChange): void {
    const { from, to, reason } = change;
    this.events.emit('connection.health', {
      ...{ agentId, connectionId: connection.id, replicaId: replica.id },
      ...{ from, to, reason },
    });
    const fields = { agentId, connectionId: connection.id, replicaId: replica.id, from, reason };
    // That it has come has its own line.
    if (from === 'connecting') this.log.debug(fields, `connection is ${to}`);
    else if (to === 'unhealthy') this.limitedLog.warn(fields, 'connection is unhealthy');
    else this.limitedLog.info(fields, `connection is ${to}`);
  }
}

function is5xx(status: number): boolean {
  return status >= 500;
}
