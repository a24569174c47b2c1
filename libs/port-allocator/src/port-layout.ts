import { BerthError } from '@berth/errors';
import type { PortAllocatorOptions, PortGroup } from './allocator-options.js';
import { leaseKey } from './claims.js';
import { PortPool } from './port-pool.js';
import { checkedRange, overlap, PortSet } from './port-set.js';
import { DEFAULT_SERVICE } from './service-name.js';

/** What the settings say of ports: which are for whom. */
export class PortLayout {
  private readonly staticByKey = new Map<string, number>();
  private readonly staticByPort = new Map<number, string>();

  constructor(
    /** for all agents that have no group */
    readonly main: PortPool,
    private readonly groups: readonly { group: PortGroup; pool: PortPool }[],
    readonly requestable: PortSet,
    fixed: Readonly<Record<string, number>>,
  ) {
    for (const [name, port] of Object.entries(fixed)) {
      this.staticByKey.set(name.includes('/') ? name : leaseKey(name, DEFAULT_SERVICE), port);
      this.staticByPort.set(port, name);
    }
  }

  get pools(): PortPool[] {
    return [this.main, ...this.groups.map(({ pool }) => pool)];
  }

  /** The only ports, beside its own, that an agent is given. */
  poolFor(agentId: string): PortPool {
    return this.groups.find(({ group }) => group.includes(agentId))?.pool ?? this.main;
  }

  /** Whose ranges a port is in. */
  poolOf(port: number): PortPool | undefined {
    return this.pools.find(({ ports }) => ports.has(port));
  }

  /** Whether an agent may have it without an operator's word. */
  isFor(port: number, agentId: string): boolean {
    return this.poolFor(agentId).ports.has(port) || this.requestable.has(port);
  }

  /** Whether an operator may give it to somebody. */
  isKnown(port: number): boolean {
    return this.poolOf(port) !== undefined || this.requestable.has(port);
  }

  staticPort(agentId: string, service: string): number | undefined {
    return this.staticByKey.get(leaseKey(agentId, service));
  }

  /** As it stands in the static table. */
  staticOwner(port: number): string | undefined {
    return this.staticByPort.get(port);
  }

  staticPorts(): number[] {
    return [...this.staticByPort.keys()];
  }

  /** `8100-8200, 9000-9099` */
  toString(): string {
    return [...this.pools.map(({ ports }) => ports), this.requestable]
      .filter(({ size }) => size > 0)
      .map(String)
      .join(', ');
  }
}

/**
 * @param isOpen whether a port can be given to anybody
 * @throws BerthError `BERTH_CONFIG_INVALID`
 */
export function layoutOf(options: PortAllocatorOptions, isOpen: (port: number) => boolean): PortLayout {
  const { range, moreRanges = [], groups = [], requestable = [] } = options;
  const main = [checkedRange(range, 'http.agentPortRange'), ...moreRanges.map((it) => checkedRange(it, 'moreRanges'))];
  const ofGroups = groups.map((group) => ({ group, ranges: group.ranges.map((it) => checkedRange(it, 'groups')) }));
  const common = overlap([...main, ...ofGroups.flatMap(({ ranges }) => ranges)]);
  if (common !== undefined) {
    const [one, other] = common.map(({ start, end }) => `${start}-${end}`);
    throw new BerthError('BERTH_CONFIG_INVALID', `port ranges ${one} and ${other} overlap`);
  }
  return new PortLayout(
    new PortPool(new PortSet(main), [], isOpen),
    ofGroups.map(({ group, ranges }) => ({ group, pool: new PortPool(new PortSet(ranges), group.agents, isOpen) })),
    new PortSet(requestable.map((it) => checkedRange(it, 'requestable'))),
    options.static ?? {},
  );
}
