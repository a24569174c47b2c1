import type { AgentConfigAck, AgentConnection, AgentMetrics } from '@berth/agent-pool';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { LimitedLog, type Log } from '@berth/observability';
import { ConfigPushes } from '../config-push/index.js';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { LifecycleEvents } from '../lifecycle/index.js';
import type { Agent } from './agent.js';
import { AgentSignals } from './agent-signals.js';
import type { LocalService } from './local-service.js';

/** Characters of a push id that are told; it is the agent's text when nobody made it. */
const SHOWN_CHARS = 64;

/** Hears connections in service, and takes what agents report and answer to where it belongs. */
@Injectable()
export class AgentReports implements OnApplicationShutdown {
  private readonly log: LimitedLog;

  constructor(
    private readonly pushes: ConfigPushes,
    events: LifecycleEvents,
    @Inject(GATEWAY_LOG) log: Log,
  ) {
    // Agents can report and answer as often as they like.
    this.log = new LimitedLog(log);
    events.on('connection.closed', (connection) => {
      pushes.disconnected(connection);
    });
  }

  /**
   * A connection goes into service: from here on exchanges may begin on it.
   *
   * @param services that it leads to
   */
  listen(agent: Agent, connection: AgentConnection, services: readonly LocalService[]): void {
    const signals = new AgentSignals(agent, connection, this);
    connection.listener = signals;
    agent.add(connection);
    for (const service of services) signals.serve(service);
    this.pushes.connected(connection);
  }

  /** @param now monotonic ms */
  metrics(agent: Agent, replicaId: string, metrics: AgentMetrics, now: number): void {
    const rejected = agent.reported.take(replicaId, metrics, now, (id) => agent.hasReplica(id));
    if (rejected === undefined) return;
    this.log.warn({ agentId: agent.id, replicaId, ...rejected }, 'series that an agent reports were left out');
  }

  answer(connection: AgentConnection, ack: AgentConfigAck): void {
    if (this.pushes.acknowledged(connection, ack)) return;
    const { agentId, origin } = connection;
    const fields = { agentId, replicaId: origin.instanceId, pushId: ack.pushId.slice(0, SHOWN_CHARS) };
    this.log.info(fields, 'an agent answers a configuration push that does not wait for it');
  }

  onApplicationShutdown(): void {
    this.pushes.stop();
  }
}
