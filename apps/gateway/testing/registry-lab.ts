import { createServer } from 'node:http';
import { PooledHttpServer } from '@berth/http-server-pool';
import { silentLog } from '@berth/observability';
import { PortAllocatorService } from '@berth/port-allocator';
import { freePortRange } from '@berth/testing';
import { FakeConnection } from '../../../libs/agent-pool/testing/fake-connection.js';
import { AgentRegistry } from '../src/agents/agent-registry.js';
import { AgentReports } from '../src/agents/agent-reports.js';
import { AgentsSettings } from '../src/agents/agents.settings.js';
import type { ServiceOffer } from '../src/agents/local-service.js';
import type { HoldOptions, RegistryOptions } from '../src/agents/registry-options.js';
import { ConfigPushes, ConfigPushSettings } from '../src/config-push/index.js';
import { LifecycleEvents } from '../src/lifecycle/index.js';
import { AgentBerths, PortKinds, type PortOrder } from '../src/ports/index.js';

export const offer = (kind: string, name = 'default'): ServiceOffer => ({ name, kind, port: 0, healthPath: '' });

/** A registry with three ports, whose servers start when a test lets them. */
export class RegistryLab {
  readonly registry: AgentRegistry;
  readonly ports: PortAllocatorService;
  private gate = Promise.withResolvers<undefined>();
  private number = 0;

  private constructor(range: { start: number; end: number }, options: Partial<RegistryOptions & HoldOptions>) {
    this.ports = new PortAllocatorService({ range });
    const events = new LifecycleEvents(silentLog);
    const opened = (): Promise<undefined> => this.gate.promise;
    class SlowServer extends PooledHttpServer {
      override async start(): Promise<void> {
        await opened();
        await super.start();
      }
    }
    const kinds = new PortKinds();
    const build = ({ port }: PortOrder): PooledHttpServer =>
      new SlowServer('slow', { host: '127.0.0.1', port }, createServer());
    for (const kind of ['http', 'other']) kinds.add({ kind, build });
    const berths = new AgentBerths(this.ports, kinds, { bindAttempts: 3, stopGraceMs: 0 }, events, silentLog);
    const defaults = Object.assign(new AgentsSettings(), {
      duplicateAgent: 'replace',
      duplicateProbeMs: 20,
      drainTimeoutMs: 1000,
      maxConnectionsPerAgent: 2,
      holdMs: 0,
    });
    const all: RegistryOptions & HoldOptions = Object.assign(defaults, options);
    const pushes = new ConfigPushes(new ConfigPushSettings(), () => undefined);
    const reports = new AgentReports(pushes, events, silentLog);
    this.registry = new AgentRegistry(berths, all, all, reports, events, silentLog);
  }

  static async make(options: Partial<RegistryOptions & HoldOptions> = {}): Promise<RegistryLab> {
    return new RegistryLab(await freePortRange(3), options);
  }

  letStart(): void {
    this.gate.resolve(undefined);
  }

  /** Servers that start from here on wait for another {@link letStart}. */
  shut(): void {
    this.gate = Promise.withResolvers();
  }

  connection(instanceId: string, remoteAddress = ''): FakeConnection {
    const made = new FakeConnection(`c${(this.number += 1)}`, {
      origin: { remoteAddress, softwareVersion: '', instanceId },
      onClosed: () => {
        this.registry.unregister(made, 'closed');
      },
    });
    return made;
  }

  /** What became of a registration: the port in its welcome, or the code of the refusal. */
  async outcome(made: FakeConnection, portKind = 'http'): Promise<string> {
    return this.registered(made, [offer(portKind)]).then(
      ([port = 0]) => (port > 0 ? 'welcome' : 'no welcome'),
      (thrown: unknown) => (thrown as { code: string }).code,
    );
  }

  /** Registers with several services; their ports. */
  async registered(made: FakeConnection, services: ServiceOffer[]): Promise<number[]> {
    let welcomed: number[] = [];
    await this.registry.register(made, { metadata: {}, services }, (outcomes) => {
      welcomed = outcomes.map(({ port }) => port);
    });
    return welcomed;
  }
}
