import { Admission, type AdmissionOptions, type AgentConnection, AgentPool, type PoolOptions } from '@berth/agent-pool';
import { DEFAULT_SERVICE } from '@berth/exchange';
import { ExchangeStats } from '@berth/observability';
import type { Agent } from './agent.js';

/** A local service as an agent offers it. */
export interface ServiceOffer {
  readonly name: string;
  /** kind of port */
  readonly kind: string;
  /** port wished; 0: any */
  readonly port: number;
  /** asked to see whether it answers; empty: as configured for all */
  readonly healthPath: string;
  /** its port listens on the gateway's loopback alone */
  readonly loopback?: boolean;
}

/** Name of a local service among those of all agents: the agent's id, with its own name behind it unless that is the default. */
export function serviceKey(agentId: string, name: string): string {
  return name === DEFAULT_SERVICE ? agentId : `${agentId}/${name}`;
}

/** A service that stands beside one agent, or beside each of its replicas: it has a port, and the connections that lead to it. */
export class LocalService {
  /** those that lead to it, of all that the agent has */
  readonly connections: AgentPool;
  /** lets exchanges onto them */
  readonly admission: Admission<AgentConnection>;
  readonly stats = new ExchangeStats();
  /** 0 until its server listens */
  port = 0;
  /** its name in the heads of its exchanges: empty for the default one, which costs them nothing */
  readonly openName: string;
  /** of the port's address as clients write it; empty until its server listens */
  scheme = '';
  /** its port listens on the gateway's loopback alone */
  loopback = false;

  constructor(
    readonly agent: Agent,
    readonly name: string,
    readonly kind: string,
    pool: Partial<PoolOptions<AgentConnection>> = {},
    admission: Partial<AdmissionOptions> = {},
  ) {
    this.openName = name === DEFAULT_SERVICE ? '' : name;
    this.connections = new AgentPool(agent.id, pool);
    this.admission = new Admission(this.connections, admission);
  }

  /** As {@link serviceKey} has it. */
  get key(): string {
    return serviceKey(this.agent.id, this.name);
  }

  /** id of its agent */
  get id(): string {
    return this.agent.id;
  }

  /** of its agent */
  get metadata(): Readonly<Record<string, string>> {
    return this.agent.metadata;
  }

  /** of its agent */
  get ending(): Agent['ending'] {
    return this.agent.ending;
  }
}
