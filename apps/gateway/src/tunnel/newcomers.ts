import type { HandshakeFailure } from '../lifecycle/index.js';
import { type AddressBounds, ByAddress } from './by-address.js';

/** A TCP connection to the gRPC port without a registered agent, as the bounds see it. */
export interface Newcomer {
  /** whose it is, see {@link addressGroup} */
  readonly address: string;
  /** since when it has been read, on the clock of {@link NewcomerBounds} */
  readonly readSince: number;
  /** when its time is over, on the same clock */
  readonly expiresAt: number;
  /** whether it said more than it may */
  readonly overdrawn: boolean;
  /** Ends it; called a second time, at once. */
  cut(reason: HandshakeFailure): void;
}

export interface NewcomerBounds extends AddressBounds {
  /** monotonic, ms */
  now: () => number;
}

/** Time between two looks at what the newcomers have sent, ms: what costs no event is found so late. */
const LOOK_EVERY_MS = 50;

/** For how long a newcomer goes for no other, ms: a handshake with TLS over a link of 200 ms. */
const TURN_MS = 1000;

/**
 * The connections that are read and have not shown yet that they are agents.
 * Their number is bounded: at the bound the oldest one makes room for the next,
 * of the same address when that has its part, else of the address with the most,
 * once it has had {@link TURN_MS}. An agent that shows a good token leaves this
 * list within a round trip or two, so silence cannot lock it out.
 */
export class Newcomers {
  private readonly list = new ByAddress<Newcomer>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly bounds: NewcomerBounds) {}

  get size(): number {
    return this.list.size;
  }

  /** Whether another of this address can come now. */
  hasRoomFor(address: string): boolean {
    const crowd = this.list.crowd(address, this.bounds);
    if (crowd === undefined) return true;
    const [oldest] = crowd;
    return oldest !== undefined && this.bounds.now() - oldest.readSince >= TURN_MS;
  }

  /** Takes one in that begins to be read, after making room for it. */
  admit(newcomer: Newcomer): void {
    const [oldest] = this.list.crowd(newcomer.address, this.bounds) ?? [];
    if (oldest !== undefined) {
      this.remove(oldest);
      oldest.cut('evicted');
    }
    this.add(newcomer);
  }

  /** Takes one in that had an agent until now. */
  add(newcomer: Newcomer): void {
    this.list.add(newcomer);
    this.timer ??= setInterval(() => {
      this.look();
    }, LOOK_EVERY_MS).unref();
  }

  /** It has shown who it is, or it is gone. Idempotent. */
  remove(newcomer: Newcomer): void {
    if (!this.list.remove(newcomer) || this.list.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private look(): void {
    const now = this.bounds.now();
    for (const newcomer of this.list) {
      if (newcomer.overdrawn) newcomer.cut('flood');
      else if (newcomer.expiresAt <= now) newcomer.cut('timeout');
    }
  }
}
