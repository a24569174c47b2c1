/** That a port is kept for a local service of an agent, as it outlives the process. */
export interface LeaseRecord {
  readonly agentId: string;
  /** local service */
  readonly service: string;
  readonly port: number;
  /** by an operator: never given to anybody else */
  readonly pinned: boolean;
  /** when it was used last, ms since the epoch; null: it is in use */
  readonly usedAt: number | null;
}

/** Where leases are remembered. It may write later: the allocator knows everything itself. */
export interface LeaseSource {
  /** what there was when the allocator begins */
  readonly records: readonly LeaseRecord[];
  /** to be kept in place of the one with the same agent and service */
  changed(record: LeaseRecord): void;
  gone(agentId: string, service: string): void;
  /** Resolves when what it was told so far is kept, or could not be. */
  settled(): Promise<void>;
}

/** A source that remembers nothing. */
export const NO_RECORDS: LeaseSource = {
  records: [],
  changed: () => undefined,
  gone: () => undefined,
  settled: () => Promise.resolve(),
};

/**
 * Who may come back to which port: one port for each local service, and one
 * local service for each port, so that the ranges bound them.
 */
export class Claims {
  private readonly byKey = new Map<string, LeaseRecord>();
  private readonly byPort = new Map<number, LeaseRecord>();

  constructor(private readonly source: LeaseSource) {}

  settled(): Promise<void> {
    return this.source.settled();
  }

  of(agentId: string, service: string): LeaseRecord | undefined {
    return this.byKey.get(leaseKey(agentId, service));
  }

  on(port: number): LeaseRecord | undefined {
    return this.byPort.get(port);
  }

  all(): Iterable<LeaseRecord> {
    return this.byKey.values();
  }

  /** In the order of their ports. */
  list(): LeaseRecord[] {
    return [...this.all()].sort((a, b) => a.port - b.port);
  }

  /** Takes one that is in the source already. @returns false when port or service have one */
  load(record: LeaseRecord): boolean {
    const key = leaseKey(record.agentId, record.service);
    if (this.byKey.has(key) || this.byPort.has(record.port)) return false;
    this.byKey.set(key, record);
    this.byPort.set(record.port, record);
    return true;
  }

  /** Whoever had the port has no claim any more. @returns the port that its owner gives up by it */
  set(record: LeaseRecord): number | undefined {
    const { agentId, service, port } = record;
    const before = this.of(agentId, service);
    const other = this.on(port);
    if (other !== undefined && other !== before) this.delete(other);
    if (before !== undefined) this.byPort.delete(before.port);
    this.byKey.set(leaseKey(agentId, service), record);
    this.byPort.set(port, record);
    if (!isSame(before, record)) this.source.changed(record);
    return before?.port === port ? undefined : before?.port;
  }

  delete({ agentId, service, port }: LeaseRecord): void {
    this.byKey.delete(leaseKey(agentId, service));
    this.byPort.delete(port);
    this.source.gone(agentId, service);
  }
}

/** Neither ids nor names of services have a slash. */
export function leaseKey(agentId: string, service: string): string {
  return `${agentId}/${service}`;
}

function isSame(before: LeaseRecord | undefined, { port, pinned, usedAt }: LeaseRecord): boolean {
  return before?.port === port && before.pinned === pinned && before.usedAt === usedAt;
}
