import type { HandshakeFailure } from '../lifecycle/index.js';

/** A TCP connection to the gRPC port without a registered agent, as the bounds see it. */
export interface Newcomer {
  /** whose it is, see {@link addressGroup} */
  readonly address: string;
  /** when its time is over, on the clock of {@link NewcomerBounds} */
  readonly expiresAt: number;
  /** whether it said more than it may */
  readonly overdrawn: boolean;
  /** Ends it; called a second time, at once. */
  cut(reason: HandshakeFailure): void;
}

export interface NewcomerBounds {
  /** in all */
  total: number;
  perAddress: number;
  /** monotonic, ms */
  now: () => number;
}

/** Time between two looks at what the newcomers have sent, ms: what costs no event is found so late. */
const LOOK_EVERY_MS = 50;

/**
 * The connections whose peers have not shown yet that they are agents. Their
 * number is bounded, and whoever comes last finds room: the oldest one goes, of
 * the same address when that has its part, else of the address with the most.
 * An agent that shows a good token leaves this list within a round trip or two,
 * so silence cannot lock it out.
 */
export class Newcomers {
  private readonly byAddress = new Map<string, Set<Newcomer>>();
  private count = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly bounds: NewcomerBounds) {}

  get size(): number {
    return this.count;
  }

  /** Takes one in that has just come, after making room for it. */
  admit(newcomer: Newcomer): void {
    const own = this.byAddress.get(newcomer.address);
    if (own !== undefined && own.size >= this.bounds.perAddress) this.evict(own);
    else if (this.count >= this.bounds.total) this.evict(this.largest());
    this.add(newcomer);
  }

  /** Takes one in that had an agent until now. */
  add(newcomer: Newcomer): void {
    const own = this.byAddress.get(newcomer.address) ?? new Set();
    this.byAddress.set(newcomer.address, own);
    if (own.has(newcomer)) return;
    own.add(newcomer);
    this.count += 1;
    this.timer ??= setInterval(() => {
      this.look();
    }, LOOK_EVERY_MS).unref();
  }

  /** It has shown who it is, or it is gone. Idempotent. */
  remove(newcomer: Newcomer): void {
    const own = this.byAddress.get(newcomer.address);
    if (own?.delete(newcomer) !== true) return;
    this.count -= 1;
    if (own.size === 0) this.byAddress.delete(newcomer.address);
    if (this.count > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private evict(own: ReadonlySet<Newcomer>): void {
    const [oldest] = own;
    if (oldest === undefined) return;
    this.remove(oldest);
    oldest.cut('evicted');
  }

  private largest(): ReadonlySet<Newcomer> {
    let largest: ReadonlySet<Newcomer> = new Set();
    for (const own of this.byAddress.values()) if (own.size > largest.size) largest = own;
    return largest;
  }

  private look(): void {
    const now = this.bounds.now();
    for (const own of this.byAddress.values()) {
      for (const newcomer of own) {
        if (newcomer.overdrawn) newcomer.cut('flood');
        else if (newcomer.expiresAt <= now) newcomer.cut('timeout');
      }
    }
  }
}
