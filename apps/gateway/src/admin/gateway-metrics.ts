import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { VERSION } from '../version.js';
import { droppedLines } from '@berth/node-runtime';
import { AgentHttpServerFactory, TcpServerPool } from '@berth/http-server-pool';
import { PortAllocatorService } from '@berth/port-allocator';
import { AccessLog } from '../access-log/index.js';
import { AgentRegistry } from '../agents/index.js';
import { exposition, type Family, reportedFamilies, type Reporter } from '../reported-metrics/index.js';
import { PortCertificates } from '../certificates/index.js';
import { ConfigPushes } from '../config-push/index.js';
import { ClientTotal } from '../ingress/index.js';
import { LifecycleEvents } from '../lifecycle/index.js';
import { PolicyAgents } from '../policy-agents/index.js';
import { ConfigReload } from '../reload/index.js';
import { ServerCare } from '../ports/index.js';
import { StateFigures } from '../state/index.js';
import { GatewayTracing } from '../tracing/index.js';
import { TunnelGrpcServer } from '../tunnel/index.js';
import { agentFamilies } from './agent-metrics.js';
import { showCertificates, showGauges, showServers } from './gateway-gauges.js';
import { showPolicyAgents } from './policy-metrics.js';
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
    private readonly care: ServerCare,
    private readonly clients: ClientTotal,
    private readonly state: StateFigures,
    private readonly access: AccessLog,
    private readonly traces: GatewayTracing,
    ports: PortAllocatorService,
    servers: AgentHttpServerFactory,
    tcpServers: TcpServerPool,
    pushes: ConfigPushes,
    certificates: PortCertificates,
    grpc: TunnelGrpcServer,
    reloads: ConfigReload,
    events: LifecycleEvents,
    private readonly policyAgents: PolicyAgents,
  ) {
    collectDefaultMetrics({ register: this.registry });
    for (const name of MISNAMED) this.registry.removeSingleMetric(name);
    showGauges(this.registry, agents, ports, pushes, clients);
    showServers(this.registry, servers, tcpServers);
    showCertificates(this.registry, certificates, grpc);
    this.processMetrics();
    showReloads(this.registry, reloads);
    countEvents(this.registry, events);
    showPolicyAgents(this.registry, policyAgents);
  }

  /** All of them and what agents report of themselves, in Prometheus' text format 0.0.4. */
  async text(): Promise<Readable> {
    const agents = this.agents.list();
    const judges = this.policyAgents.list();
    for (const agent of [...agents, ...judges]) agent.forgetReported(performance.now());
    const own = await this.registry.metrics();
    const reporters: Reporter[] = [
      ...agents.map(({ id, reported }) => ({ label: 'agent_id' as const, id, metrics: reported })),
      ...judges.map(({ name, reported }) => ({ label: 'policy_agent' as const, id: name, metrics: reported })),
    ];
    const families = [...agentFamilies(agents), ...(await reportedFamilies(reporters))];
    return Readable.from(inPieces(own, families));
  }

  private processMetrics(): void {
    const { access, care, clients, state, traces } = this;
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
      name: 'berth_trace_spans_total',
      help: 'Spans, by what became of them on their way to the collector',
      labelNames: ['outcome'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [outcome, count] of Object.entries(traces.figures)) this.inc({ outcome }, count);
      },
    });
    const counter = (name: string, help: string, read: () => number): Counter =>
      new Counter({
        name,
        help,
        registers: [this.registry],
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    counter(
      'berth_log_lines_dropped_total',
      'Log lines dropped because nobody took them: a full disk, or a pipe that is read too slowly',
      droppedLines,
    );
    counter(
      'berth_client_connections_refused_total',
      'Connections of clients that were one too many',
      () => clients.everRefused,
    );
    counter('berth_access_log_lines_total', 'Lines of the access log', () => access.lines);
    counter(
      'berth_access_log_dropped_lines_total',
      'Lines of the access log that were lost: the disk is slow or full',
      () => access.dropped,
    );
    counter('berth_state_errors_total', 'Times that state.file could not be read or written', () => state.errors);
    new Gauge({
      name: 'berth_build_info',
      help: 'Version of the gateway and of its Node; always 1',
      labelNames: ['version', 'node'],
      registers: [this.registry],
    }).set({ version: VERSION, node: process.versions.node }, 1);
  }
}

async function* inPieces(first: string, families: Iterable<Family>): AsyncGenerator<string> {
  yield first;
  yield* exposition(families);
}
