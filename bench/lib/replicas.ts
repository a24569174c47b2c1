import { ask } from './ask.js';
import { AGENT_ID, type GatewayPorts, gatewayPorts, startAgent, startGateway } from './berth.js';
import { getJson } from './http.js';
import type { Processes, Running } from './processes.js';
import { compiled } from './repository.js';
import type { OriginAnswer, OriginQuestion } from '../programs/replica-origin.js';
import type { ClientAnswer, ClientQuestion } from '../programs/replica-client.js';

/** For a replica that comes to grow into its part, ms: more than the default of `tunnel.slowStartMs`. */
export const SETTLE_MS = 11_000;

export interface ReplicaOptions {
  readonly count: number;
  /** of the gateway, beside the one that has replicas share */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A gateway, replicas of one agent with a service each, and who asks them. */
export class Replicas {
  private constructor(
    private readonly processes: Processes,
    private readonly cwd: string,
    readonly gateway: Running,
    private readonly ports: GatewayPorts,
    private readonly origin: Running,
    private readonly targets: readonly number[],
    readonly agents: Running[],
    private readonly client: Running,
  ) {}

  static async start(processes: Processes, cwd: string, { count, settings = {} }: ReplicaOptions): Promise<Replicas> {
    const ports = await gatewayPorts();
    const gateway = await startGateway(processes, cwd, ports, [], { 'tunnel-duplicate-agent': 'share', ...settings });
    const origin = processes.node('origin', compiled('bench/dist/programs/replica-origin.js'), [String(count)]);
    const targets = (await origin.says(/ports ([\d,]+)\n/)).split(',').map(Number);
    const agents: Running[] = [];
    const options = { cwd, httpPort: ports.http, dial: ports.grpc };
    let port = 0;
    for (const target of targets) {
      const started = await startAgent(processes, { ...options, target });
      agents.push(started.agent);
      ({ port } = started);
    }
    const client = processes.node('clients', compiled('bench/dist/programs/replica-client.js'), [String(port)]);
    await client.says(/ready (now)\n/);
    const replicas = new Replicas(processes, cwd, gateway, ports, origin, targets, agents, client);
    await replicas.untilConnected(count);
    return replicas;
  }

  /** What the services did since the last time. */
  async services(question: OriginQuestion = {}): Promise<OriginAnswer> {
    return await ask<OriginAnswer>(this.origin, question, 5000);
  }

  /** A load of so many clients for so long. */
  async load(clients: number, seconds: number): Promise<ClientAnswer> {
    return await this.ask({ clients, seconds }, (seconds + 60) * 1000);
  }

  async begin(clients: number): Promise<void> {
    await this.ask({ clients }, 5000);
  }

  /** @param timeoutMs for what is under way */
  async end(timeoutMs = 60_000): Promise<ClientAnswer> {
    return await this.ask({ clients: 0 }, timeoutMs);
  }

  /** Starts a replica in the place of one that has ended, and waits until it is connected. */
  async startAgain(index: number): Promise<void> {
    const target = this.targets[index];
    if (target === undefined) throw new Error(`no replica ${index}`);
    const options = { cwd: this.cwd, httpPort: this.ports.http, dial: this.ports.grpc, target };
    this.agents[index] = (await startAgent(this.processes, options)).agent;
    await this.untilConnected(this.agents.length);
  }

  async untilConnected(count: number): Promise<void> {
    await this.gateway.until(`${count} replicas`, 30_000, async () => {
      return (await this.inFlight()).length === count || undefined;
    });
  }

  /** Exchanges under way on each connection, in the order in which these came. */
  async inFlight(): Promise<number[]> {
    const detail = (await getJson(`http://127.0.0.1:${this.ports.http}/agents/${AGENT_ID}`)) as AgentDetail | undefined;
    return detail?.connection_list.map(({ in_flight: inFlight }) => inFlight) ?? [];
  }

  async stop(): Promise<void> {
    await this.client.stop();
    await Promise.all(this.agents.map((agent) => agent.stop()));
    await Promise.all([this.gateway.stop(), this.origin.stop()]);
  }

  private async ask(question: ClientQuestion, timeoutMs: number): Promise<ClientAnswer> {
    return await ask<ClientAnswer>(this.client, question, timeoutMs);
  }
}

interface AgentDetail {
  readonly connection_list: readonly { readonly in_flight: number }[];
}
