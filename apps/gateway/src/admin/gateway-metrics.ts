import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { VERSION } from '../version.js';
import { droppedLines } from '@berth/node-runtime';
import { AgentHttpServerFactory } from '@berth/http-server-pool';
import { PortAllocatorService } from '@berth/port-allocator';
import { AgentRegistry } from '../agents/index.js';
import { exposition } from '../reported-metrics/index.js';
import { PortCertificates } from '../certificates/index.js';
import { ConfigPushes } from '../config-push/index.js';
import { LifecycleEvents } from '../lifecycle/index.js';
import { ConfigReload } from '../reload/index.js';
import { ServerCare } from '../ports/index.js';
import { showServices, showSignals } from './agent-metrics.js';
import { showPools } from './pool-metrics.js';
import { showReloads } from './reload-metrics.js';
import { countEvents } from './event-metrics.js';

/** Of prom-client's own: gauges with the name of a counter. The same numbers stand in the series without `_total`. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** Metrics of the gateway (checklist A17): read from the rooms when they are asked for, so the data path pays nothing. */
@Injectable()
export class GatewayMetrics {
  readonly registry = new Registry();

  constructor(
    private readonly agents: AgentRegistry,
    private readonly ports: PortAllocatorService,
    private readonly servers: AgentHttpServerFactory,
    private readonly pushes: ConfigPushes,
    private readonly care: ServerCare,
    private readonly certificates: PortCertificates,
    private readonly reloads: ConfigReload,
    events: LifecycleEvents,
  ) {
    collectDefaultMetrics({ register: this.registry });
    for (const name of MISNAMED) this.registry.removeSingleMetric(name);
    this.gauges();
    this.processMetrics();
    this.certificateMetrics();
    showReloads(this.registry, this.reloads);
    countEvents(this.registry, events);
    showServices(this.registry, agents);
    showSignals(this.registry, agents);
    showPools(this.registry, agents);
  }

  /** All of them and what agents report of themselves, in Prometheus' text format 0.0.4. */
  async text(): Promise<Readable> {
    const agents = this.agents.list();
    for (const agent of agents) agent.forgetReported(performance.now());
    const own = await this.registry.metrics();
    const reported = exposition(agents.map((agent) => [agent.id, agent.reported]));
    return Readable.from(inOrder(own, reported));
  }

  private gauges(): void {
    const gauge = (name: string, help: string, read: () => number): Gauge =>
      new Gauge({
        name,
        help,
        registers: [this.registry],
        collect() {
          this.set(read());
        },
      });
    gauge('berth_agents', 'Connected agents', () => this.agents.list().length);
    gauge('berth_port_pool_used', 'Leased ports of the range', () => this.ports.figures().used);
    gauge('berth_port_pool_size', 'Ports of the range that can be leased', () => this.ports.figures().total);
    gauge('berth_agent_servers', 'HTTP servers of agents that listen', () => this.servers.listening);
    gauge('berth_config_pushes_pending', 'Configurations under way to agents', () => this.pushes.pending);
    gauge('berth_exchanges_in_flight', 'Exchanges under way', () => this.agents.inFlight);
  }

  private certificateMetrics(): void {
    const { certificates } = this;
    new Gauge({
      name: 'berth_port_certificate_not_after_seconds',
      help: "When a certificate of agents' ports expires, seconds since the epoch",
      labelNames: ['setting', 'file'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const { file, leaf, setting } of certificates.all)
          this.set({ setting, file }, leaf.validToDate.getTime() / 1000);
      },
    });
  }

  private processMetrics(): void {
    const { care } = this;
    new Counter({
      name: 'berth_server_restarts_total',
      help: 'Servers that ended by themselves or did not answer: started again, or given up',
      labelNames: ['outcome'],
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc({ outcome: 'restarted' }, care.restarted);
        this.inc({ outcome: 'given_up' }, care.givenUp);
      },
    });
    new Counter({
      name: 'berth_log_lines_dropped_total',
      help: 'Log lines dropped because nobody took them: a full disk, or a pipe that is read too slowly',
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(droppedLines());
      },
    });
    new Gauge({
      name: 'berth_build_info',
      help: 'Version of the gateway and of its Node; always 1',
      labelNames: ['version', 'node'],
      registers: [this.registry],
    }).set({ version: VERSION, node: process.versions.node }, 1);
  }
}

async function* inOrder(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}
