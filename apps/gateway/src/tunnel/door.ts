import type { HandshakeFailure } from '../lifecycle/index.js';
import { ByAddress } from './by-address.js';

/** A TCP connection to the gRPC port that is not read yet. */
export interface Waiting {
  /** whose it is, see {@link addressGroup} */
  readonly address: string;
  cut(reason: HandshakeFailure): void;
}

/** What is behind the door. */
export interface Room<T> {
  hasRoomFor(address: string): boolean;
  /** Begins to read it. */
  enter(one: T): void;
}

/**
 * Connections that begin to be read in one turn of the event loop, so that those
 * before them get on with their handshakes when hundreds come at once.
 */
const ENTER_PER_TURN = 16;

/** Time until the next look when nobody could enter, ms. */
const LOOK_AGAIN_MS = 10;

/**
 * Where connections wait to be read, in turn: they have cost nothing yet but
 * their descriptors. Their number is bounded, and at the bound the newest one of
 * the address with the most goes. Were it the oldest, nobody would ever be read
 * where more come than there is room for.
 */
export class Door<T extends Waiting> {
  private readonly waiting = new ByAddress<T>();
  private line: T[] = [];
  private isLooking = false;

  constructor(
    /** in all */
    private readonly total: number,
    private readonly room: Room<T>,
  ) {}

  get size(): number {
    return this.waiting.size;
  }

  /** Takes one in that has just come; it may be the one that goes. */
  admit(one: T): void {
    const crowd = this.waiting.crowd(one.address, { total: this.total, perAddress: Infinity });
    if (crowd !== undefined && crowd.size <= this.waiting.of(one.address).size) {
      one.cut('evicted');
      return;
    }
    const newest = crowd && [...crowd].at(-1);
    this.waiting.add(one);
    if (newest === undefined) return;
    this.waiting.remove(newest);
    newest.cut('evicted');
  }

  /** It may be read, when it is its turn. */
  lineUp(one: T): void {
    if (!this.waiting.has(one)) return;
    this.line.push(one);
    this.lookSoon(0);
  }

  /** It has gone. Idempotent. */
  remove(one: T): void {
    this.waiting.remove(one);
  }

  private lookSoon(ms: number): void {
    if (this.isLooking) return;
    this.isLooking = true;
    const look = (): void => {
      this.isLooking = false;
      this.look();
    };
    if (ms === 0) setImmediate(look);
    else setTimeout(look, ms).unref();
  }

  private look(): void {
    let entered = 0;
    this.line = this.line.filter((one) => {
      if (!this.waiting.has(one)) return false;
      if (entered >= ENTER_PER_TURN || !this.room.hasRoomFor(one.address)) return true;
      entered += 1;
      this.waiting.remove(one);
      this.room.enter(one);
      return false;
    });
    if (this.line.length > 0) this.lookSoon(entered === 0 ? LOOK_AGAIN_MS : 0);
  }
}
