import { type AbsentAgent, type Agent, whyAbsent } from '../agents/index.js';
import { type AgentDetailDto, type AgentState, OFFLINE } from './agent.dto.js';
import { type AgentFields, describeAgent, healthOf } from './describe-agent.js';

/** Port that is kept for a local service of an agent that is away. */
export interface KeptPort {
  readonly agentId: string;
  readonly service: string;
  readonly port: number;
}

/** One agent as lists sort, filter and show it; only what is asked for is looked up. */
export interface AgentRow {
  readonly id: string;
  readonly port: number;
  /** ms since the epoch; stands still while nothing comes in */
  readonly lastSeen: number;
  readonly connectedSince: number;
  readonly inFlight: number;
  readonly requests: number;
  readonly errors: number;
  readonly state: AgentState;
  readonly services: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  describe(): AgentFields;
}

/** An agent that is here. */
export class PresentRow implements AgentRow {
  constructor(private readonly agent: Agent) {}

  get id(): string {
    return this.agent.id;
  }

  get port(): number {
    return this.agent.port;
  }

  /** By the start of the process: the difference between both clocks is not the same each time that it is asked for. */
  get lastSeen(): number {
    return performance.timeOrigin + this.agent.lastSeenAt;
  }

  get connectedSince(): number {
    return this.agent.connectedAt;
  }

  get inFlight(): number {
    return this.agent.inFlight;
  }

  get requests(): number {
    return this.agent.services.reduce((sum, { stats }) => sum + stats.requests, 0);
  }

  get errors(): number {
    return this.agent.services.reduce((sum, { stats }) => sum + stats.errors, 0);
  }

  get state(): AgentState {
    return healthOf(this.agent)?.state ?? 'connecting';
  }

  get services(): string[] {
    return this.agent.services.map(({ name }) => name);
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.agent.metadata;
  }

  describe(): AgentFields {
    return describeAgent(this.agent);
  }
}

/** An agent that is away. */
export class AbsentRow implements AgentRow {
  readonly inFlight = 0;
  readonly requests = 0;
  readonly errors = 0;
  readonly state = OFFLINE;

  /** @param kept ports that are kept for it */
  constructor(
    private readonly agent: AbsentAgent,
    private readonly kept: readonly KeptPort[],
  ) {}

  get id(): string {
    return this.agent.agentId;
  }

  /** The one it had, as long as that is kept. */
  get port(): number {
    const { port } = this.agent;
    return (this.kept.find((each) => each.port === port) ?? this.kept[0])?.port ?? 0;
  }

  get lastSeen(): number {
    return this.agent.lastSeen;
  }

  get connectedSince(): number {
    return this.agent.connectedAt;
  }

  get services(): string[] {
    return this.kept.map(({ service }) => service);
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.agent.metadata;
  }

  describe(): AgentFields {
    const { lastSeen, connectedAt, leftAt, scheme, services, remoteAddress, version } = this.agent;
    const figures = { connections: 0, waiting: 0, requests: 0, errors: 0 };
    const iso = (ms: number): string => new Date(ms).toISOString();
    const state: Pick<AgentDetailDto, 'state' | 'state_reason' | 'state_since'> = {
      state: this.state,
      state_reason: whyAbsent(this.agent),
      state_since: iso(leftAt),
    };
    return {
      agent_id: this.id,
      port: this.port,
      scheme,
      services: this.kept.map(({ service, port }) => ({
        ...{ name: service, kind: '', scheme: '', ...services[service] },
        ...{ port, loopback: false, ...state, ...figures },
      })),
      last_seen: iso(lastSeen),
      connected_since: iso(connectedAt),
      ...{ ...figures, in_flight: 0, bytes_in: 0, bytes_out: 0 },
      remote_address: remoteAddress,
      version,
      ...state,
    };
  }

  /** As `GET /agents/:id` has it. */
  describeDetail(): AgentDetailDto {
    return {
      ...this.describe(),
      metadata: { ...this.metadata },
      ...{ healthy: false, healthy_connections: 0, error_rate: 0, replica_list: [], connection_list: [] },
    };
  }
}
