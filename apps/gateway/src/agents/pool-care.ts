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
import { DEFAULT_PORT_KIND } from '../ports/index.js';
import type { Agent } from './agent.js';
import { LocalProbe, probeLocal, type ServiceProbeOptions } from './local-probe.js';
import { LocalService, type ServiceOffer } from './local-service.js';
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

/** A local service with what is due for it by the clock. */
export interface CaredService {
  readonly service: LocalService;
  /** who takes out replicas that fail or are slow; undefined: nobody */
  readonly outliers: OutlierDetector<AgentConnection> | undefined;
  /** who asks it whether it answers */
  readonly probe: LocalProbe;
  /** what it is asked for */
  readonly asked: ServiceProbeOptions;
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

  /** A local service as its agent offers it, and who takes care of the connections that lead to it. */
  newService(agent: Agent, offer: ServiceOffer): CaredService {
    const { name, kind } = offer;
    const { admission, probe } = this.options;
    const { whenPaused: mode, ...waiting } = admission;
    const service = new LocalService(agent, name, kind, this.poolFor(agent, name), { mode, ...waiting });
    service.loopback = offer.loopback === true;
    const asked = { ...probe, path: this.pathOf(offer), service: service.openName };
    return {
      service,
      outliers: this.outliersOf(service, asked),
      probe: new LocalProbe(service.connections, asked),
      asked,
    };
  }

  /** What a local service is asked for to see whether it answers; empty: nothing. */
  pathOf({ healthPath, kind }: ServiceOffer): string {
    return healthPath === '' && kind === DEFAULT_PORT_KIND ? this.options.probe.path : healthPath;
  }

  /** To be called about once a second for each service. @param now monotonic ms */
  tick({ service, outliers, probe, asked }: CaredService, now: number): void {
    const { connections, admission } = service;
    for (const { connection, health } of connections.members) if (connection.draining) health.draining(now);
    connections.tick(now);
    outliers?.tick();
    if (asked.path !== '') probe.tick(now);
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
    for (const connection of connections) {
      const silentMs = Math.round(now - connection.lastSeenAt);
      if (silentMs <= this.options.staleAfterMs) continue;
      this.log.warn({ agentId, connectionId: connection.id, silentMs }, 'dropping a silent connection');
      connection.close(
        new BerthError('BERTH_CONNECTION_SILENT', `nothing received for ${silentMs} ms (tunnel.staleAfterMs)`),
      );
    }
  }

  private poolFor({ id: agentId, shared }: Agent, service: string): Partial<PoolOptions<AgentConnection>> {
    const { poolStrategy, slowStartMs, outliers, probe } = this.options;
    const onHealth = (member: Member<AgentConnection>, change: HealthChange): void => {
      this.changed(agentId, service, member, change);
    };
    const health = { ...HEALTH_DEFAULTS, missedPings: MISSED_PINGS, probeFall: probe.fall, probeRise: probe.rise };
    const pool = { strategy: poolStrategy, slowStartMs: shared ? slowStartMs : 0, health, onHealth };
    return outliers.count5xx ? { ...pool, isFault: is5xx } : pool;
  }

  private outliersOf(
    { agent, connections }: LocalService,
    asked: ServiceProbeOptions,
  ): OutlierDetector<AgentConnection> | undefined {
    const { enabled, errorPercent, ...limits } = this.options.outliers;
    if (!enabled || !agent.shared) return undefined;
    const probe = (connection: AgentConnection): Promise<boolean> =>
      asked.path === '' ? connection.answers(PING_MS) : probeLocal(connection, asked);
    const options = { ...OUTLIER_DEFAULTS, ...limits, errorShare: errorPercent / 100, probe };
    return new OutlierDetector(connections, options, () => performance.now());
  }

  private changed(
    agentId: string,
    service: string,
    { connection, replica }: Member<AgentConnection>,
    change: HealthChange,
  ): void {
    const { from, to, reason } = change;
    this.events.emit('connection.health', {
      ...{ agentId, service, connectionId: connection.id, replicaId: replica.id },
      ...{ from, to, reason },
    });
    const fields = { agentId, service, connectionId: connection.id, replicaId: replica.id, from, reason };
    // That it has come has its own line.
    if (from === 'connecting') this.log.debug(fields, `connection is ${to}`);
    else if (to === 'unhealthy') this.limitedLog.warn(fields, 'connection is unhealthy');
    else this.limitedLog.info(fields, `connection is ${to}`);
  }
}

function is5xx(status: number): boolean {
  return status >= 500;
}
