/** One who waits. To whoever joined it is only good for `leave`. */
export interface Ticket<W> {
  readonly key: string;
  readonly waiter: W;
  /** monotonic ms */
  readonly deadline: number;
}

export interface WaitingQueueOptions {
  /** who may wait at once; 0: nobody */
  maxWaiting: number;
  /** for how long each may, ms */
  maxWaitMs: number;
  /** monotonic ms */
  now: () => number;
}

/**
 * Who waits for an exchange to end (checklist C10): bounded, each with a
 * deadline, and fair between keys, such as client addresses. Each key has its
 * turn, however many of another wait; within a key the first one is served first.
 *
 * Bound: `maxWaiting` tickets. Who leaves is forgotten at once.
 */
export class WaitingQueue<W> {
  /** keys in the order of their turns */
  private readonly byKey = new Map<string, Set<Ticket<W>>>();
  /** all, the oldest first: that is the order of deadlines as well */
  private readonly tickets = new Set<Ticket<W>>();
  private timer: NodeJS.Timeout | undefined;

  /** @param late told of each whose deadline has passed; it waits no longer */
  constructor(
    private readonly options: Readonly<WaitingQueueOptions>,
    private readonly late: (waiter: W) => void,
  ) {}

  get size(): number {
    return this.tickets.size;
  }

  /** @returns undefined when nobody else may wait */
  join(key: string, waiter: W): Ticket<W> | undefined {
    const { maxWaiting, maxWaitMs, now } = this.options;
    if (this.tickets.size >= maxWaiting) return undefined;
    const ticket = { key, waiter, deadline: now() + maxWaitMs };
    this.tickets.add(ticket);
    const same = this.byKey.get(key);
    if (same === undefined) this.byKey.set(key, new Set([ticket]));
    else same.add(ticket);
    this.timer ??= setTimeout(this.expire, maxWaitMs);
    return ticket;
  }

  /** Takes out the one whose turn it is; its key's next turn comes after those of all others. */
  next(): W | undefined {
    for (const [key, same] of this.byKey) {
      for (const ticket of same) {
        this.byKey.delete(key);
        if (same.size > 1) this.byKey.set(key, same);
        this.leave(ticket);
        return ticket.waiter;
      }
    }
    return undefined;
  }

  /** @returns false when it waited no longer */
  leave(ticket: Ticket<W>): boolean {
    if (!this.tickets.delete(ticket)) return false;
    const same = this.byKey.get(ticket.key);
    same?.delete(ticket);
    if (same?.size === 0) this.byKey.delete(ticket.key);
    if (this.tickets.size === 0) {
      clearTimeout(this.timer);
      this.timer = undefined;
    }
    return true;
  }

  /** Takes out all. */
  clear(): W[] {
    const waiters = [...this.tickets].map(({ waiter }) => waiter);
    for (const ticket of [...this.tickets]) this.leave(ticket);
    return waiters;
  }

  private readonly expire = (): void => {
    this.timer = undefined;
    const now = this.options.now();
    for (const ticket of this.tickets) {
      if (ticket.deadline > now) {
        this.timer ??= setTimeout(this.expire, Math.ceil(ticket.deadline - now));
        return;
      }
      this.leave(ticket);
      this.late(ticket.waiter);
    }
  };
}
