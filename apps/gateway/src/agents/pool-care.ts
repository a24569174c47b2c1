import {
  type AgentConnection,
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
import type { Agent } from './agent.js';
import type { OutlierSettings } from './outliers.settings.js';

/** For the ping that shows whether a replica is fit to come back, ms. */
const PROBE_MS = 5000;

export interface PoolCareOptions {
  poolStrategy: StrategyName;
  slowStartMs: number;
  outliers: Readonly<OutlierSettings>;
  /** silence after which a connection is dropped, ms */
  staleAfterMs: number;
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

  /** @param shared whether other processes with its id are replicas of it */
  poolFor(agentId: string, shared: boolean): Partial<PoolOptions<AgentConnection>> {
    const { poolStrategy, slowStartMs, outliers } = this.options;
    const onHealth = (member: Member<AgentConnection>, change: HealthChange): void => {
      this.changed(agentId, member, change);
    };
    const pool = { strategy: poolStrategy, slowStartMs: shared ? slowStartMs : 0, onHealth };
    return outliers.count5xx ? { ...pool, isFault: is5xx } : pool;
  }

  /** Who takes out outliers of an agent whose replicas share; undefined when nobody does. */
  outliersOf({ connections, shared }: Agent): OutlierDetector<AgentConnection> | undefined {
    const { enabled, errorPercent, ...limits } = this.options.outliers;
    if (!enabled || !shared) return undefined;
    const probe = (connection: AgentConnection): Promise<boolean> => connection.answers(PROBE_MS);
    const options = { ...OUTLIER_DEFAULTS, ...limits, errorShare: errorPercent / 100, probe };
    return new OutlierDetector(connections, options, () => performance.now());
  }

  /** To be called about once a second for each agent. @param now monotonic ms */
  tick({ connections }: Agent, outliers: OutlierDetector<AgentConnection> | undefined, now: number): void {
    for (const { connection, health } of connections.members) if (connection.draining) health.draining(now);
    connections.tick(now);
    outliers?.tick();
  }

  /** Closes connections that have been silent for too long (checklist A12). @param now monotonic ms */
  dropSilent({ id: agentId, connections }: Agent, now: number): void {
    for (const connection of connections.all) {
      const silentMs = Math.round(now - connection.lastSeenAt);
      if (silentMs <= this.options.staleAfterMs) continue;
      this.log.warn({ agentId, connectionId: connection.id, silentMs }, 'dropping a silent connection');
      connection.close(
        new BerthError('BERTH_CONNECTION_SILENT', `nothing received for ${silentMs} ms (tunnel.staleAfterMs)`),
      );
    }
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
