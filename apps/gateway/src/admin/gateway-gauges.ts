import { Gauge, type Registry } from 'prom-client';
import type { AgentHttpServerFactory, TcpServerPool } from '@berth/http-server-pool';
import type { PortAllocatorService } from '@berth/port-allocator';
import type { AgentRegistry } from '../agents/index.js';
import type { PortCertificates } from '../certificates/index.js';
import type { ConfigPushes } from '../config-push/index.js';
import type { ClientTotal } from '../ingress/index.js';
import type { TunnelGrpcServer } from '../tunnel/index.js';

/** How the gateway as a whole is now: numbers that its rooms keep anyway. */
export function showGauges(
  registry: Registry,
  agents: AgentRegistry,
  ports: PortAllocatorService,
  pushes: ConfigPushes,
  clients: ClientTotal,
): void {
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge('berth_agents', 'Connected agents', () => agents.list().length);
  gauge('berth_port_pool_used', 'Leased ports of the range', () => ports.figures().used);
  gauge('berth_port_pool_size', 'Ports of the range that can be leased', () => ports.figures().total);
  gauge('berth_port_pool_free', 'Ports of the range that can be leased now', () => ports.figures().free);
  gauge('berth_config_pushes_pending', 'Configurations under way to agents', () => pushes.pending);
  gauge('berth_exchanges_in_flight', 'Exchanges under way', () => agents.inFlight);
  gauge('berth_client_connections', 'Connections of clients to all ports of agents', () => clients.open);
  gauge(
    'berth_client_connections_limit',
    'How many of them there may be (agentPorts.maxTotalConnections)',
    () => clients.limits.maxTotalConnections,
  );
}

/** Servers of agents that listen, by the kind of their ports. */
export function showServers(registry: Registry, http: AgentHttpServerFactory, tcp: TcpServerPool): void {
  new Gauge({
    name: 'berth_agent_servers',
    help: 'Servers of agents that listen, by the kind of their ports',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      this.set({ kind: 'http' }, http.listening);
      this.set({ kind: 'tcp' }, [...tcp].filter(({ running }) => running).length);
    },
  });
}

/** When certificates expire. */
export function showCertificates(registry: Registry, ports: PortCertificates, grpc: TunnelGrpcServer): void {
  new Gauge({
    name: 'berth_port_certificate_not_after_seconds',
    help: "When a certificate of agents' ports expires, seconds since the epoch",
    labelNames: ['setting', 'file'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { file, leaf, setting } of ports.all) this.set({ setting, file }, leaf.validToDate.getTime() / 1000);
    },
  });
  const { certificate } = grpc;
  const own = new Gauge({
    name: 'berth_grpc_certificate_not_after_seconds',
    help: 'When the certificate that agents are shown expires, seconds since the epoch',
    labelNames: ['file'],
    registers: [registry],
  });
  if (certificate !== undefined) own.set({ file: certificate.file }, certificate.leaf.validToDate.getTime() / 1000);
}
