import type { LeaseSource } from './claims.js';
import type { PortRange } from './port-set.js';

/** Ports for certain agents, which get no others. */
export interface PortGroup {
  /** whom it is for, to be shown */
  readonly agents: readonly string[];
  readonly ranges: readonly PortRange[];
  includes(agentId: string): boolean;
}

export interface PortAllocatorOptions {
  range: PortRange;
  /** further ones, used when the ones before are full */
  moreRanges?: readonly PortRange[];
  /** no port may be in two ranges; of groups that include an agent the first counts */
  groups?: readonly PortGroup[];
  /** agent id, or agent id/service → port; such a port is nobody else's, in the ranges or out of them */
  static?: Readonly<Record<string, number>>;
  /** ports that agents may wish for, in the ranges or out of them */
  requestable?: readonly PortRange[];
  /** what is remembered from earlier, and where changes go */
  leases?: LeaseSource;
  /** how long a port that another program held is passed over while others are free, ms; default 60,000 */
  foreignMs?: number;
  /** ms since the epoch, for what is shown and remembered */
  now?: () => number;
  /** ms, for durations */
  monotonic?: () => number;
  /** told what an operator may want to know; checklist A3 */
  warn?: (message: string, fields: Record<string, unknown>) => void;
}

/** Who wants a port, beside its agent id. */
export interface PortRequest {
  /** local service; default `default` */
  service?: string;
  /** ports that could not be bound just now */
  avoid?: ReadonlySet<number>;
  /** the port that the agent asks for; must be requestable. One of its own (static, pinned) goes first */
  wish?: number | undefined;
}

/** A port granted to a local service of an agent. */
export interface Lease {
  readonly port: number;
  readonly agentId: string;
  readonly service: string;
  /** ms since the epoch */
  readonly leasedAt: number;
  /** from the static table, not from the ranges */
  readonly isStatic: boolean;
  /** by an operator, with {@link PortAllocatorService.pin} */
  readonly isPinned: boolean;
}

/** Figures of some ports; static ones are counted apart. */
export interface PoolFigures {
  /** lowest port */
  start: number;
  /** highest port */
  end: number;
  total: number;
  used: number;
  free: number;
  /** held by other programs when they were tried */
  foreign: number;
  /** pinned to agents that are away */
  reserved: number;
}

/** Figures of one pool of ports: of those for all agents, or of a group's. */
export interface NamedPoolFigures extends PoolFigures {
  /** such as `8100-8200` */
  ranges: string[];
  /** patterns of the agents that it is for; none: all that have no other */
  agents: string[];
}

/** Figures of all ranges together. */
export interface PortFigures extends PoolFigures {
  staticUsed: number;
}
