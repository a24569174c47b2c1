import { Inject, Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, type Metric, Registry } from 'prom-client';
import { droppedLines } from '#node-runtime';
import { latencyMetric } from '#observability';
import { PortAllocatorService } from '#port-allocator';
import { AgentRegistry, LifecycleEvents } from '../agents/index.js';

/** Metrics of the gateway (checklist A17): read from the rooms when they are asked for, so the data path pays nothing. */
@Injectable()
export class GatewayMetrics {
  readonly registry = new Registry();

  constructor(
    @Inject(AgentRegistry) private readonly agents: AgentRegistry,
    @Inject(PortAllocatorService) private readonly ports: PortAllocatorService,
    @Inject(LifecycleEvents) private readonly events: LifecycleEvents,
  ) {
    collectDefaultMetrics({ register: this.registry });
    this.gauges();
    this.eventCounters();
    this.agentCounters();
    this.processCounters();
    const latency = latencyMetric(
      'berth_agent_request_duration_seconds',
      'From the head of a request to the end of its answer',
      () => this.agents.list().map(({ id, stats }) => ({ labels: { agent: id }, latency: stats.latency })),
    );
    this.registry.registerMetric(latency as Metric);
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
    gauge('berth_port_pool_total', 'Ports of the range that can be leased', () => this.ports.figures().total);
    gauge('berth_exchanges_in_flight', 'Exchanges under way', () => this.agents.inFlight);
  }

  private eventCounters(): void {
    const counter = <L extends string>(name: string, help: string, labelNames: L[] = []): Counter<L> =>
      new Counter({ name, help, labelNames, registers: [this.registry] });
    const connects = counter('berth_agent_connects_total', 'Agents that connected');
    const disconnects = counter('berth_agent_disconnects_total', 'Agents that disconnected');
    const refused = counter('berth_registrations_refused_total', 'Registrations refused', ['code']);
    const startFailures = counter('berth_agent_server_start_failures_total', 'Agent servers that could not start');
    const stopFailures = counter('berth_agent_server_stop_failures_total', 'Agent servers that did not stop cleanly');
    this.events.on('agent.connected', () => {
      connects.inc();
    });
    this.events.on('agent.disconnected', () => {
      disconnects.inc();
    });
    this.events.on('registration.refused', ({ code }) => {
      refused.inc({ code });
    });
    this.events.on('server.start-failed', () => {
      startFailures.inc();
    });
    this.events.on('server.stop-failed', () => {
      stopFailures.inc();
    });
  }

  private processCounters(): void {
    new Counter({
      name: 'berth_log_lines_dropped_total',
      help: 'Log lines dropped because nobody took them: a full disk, or a pipe that is read too slowly',
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(droppedLines());
      },
    });
  }

  private agentCounters(): void {
    const { agents, registry } = this;
    const perAgent = (
      name: string,
      help: string,
      field: 'requests' | 'errors' | 'upgrades' | 'bytesIn' | 'bytesOut',
    ): Counter<'agent'> =>
      new Counter({
        name,
        help,
        labelNames: ['agent'],
        registers: [registry],
        collect() {
          this.reset();
          for (const agent of agents.list()) this.inc({ agent: agent.id }, agent.stats[field]);
        },
      });
    perAgent('berth_agent_requests_total', 'Requests to an agent, since it connected', 'requests');
    perAgent('berth_agent_errors_total', 'Requests that Berth had to answer itself', 'errors');
    perAgent('berth_agent_upgrades_total', 'Upgrades, WebSocket among them', 'upgrades');
    perAgent('berth_agent_request_bytes_total', 'Body bytes, client to service', 'bytesIn');
    perAgent('berth_agent_response_bytes_total', 'Body bytes, service to client', 'bytesOut');
  }
}
