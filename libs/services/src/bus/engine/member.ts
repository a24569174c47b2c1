import { hash } from './hash.js';
import { Group } from './routing.js';
import type { Worker } from './worker.js';

/** What a process serves, as it says itself. */
export interface Serve {
  readonly service: string;
  readonly partition: number;
  readonly objectId: string | undefined;
  readonly methods: readonly string[];
  readonly concurrency: number;
  /** the member's version that has it first */
  readonly since: number;
}

/** What a process says of itself, again and again. */
export interface Announcement {
  readonly id: string;
  /** counts its changes of what it serves */
  readonly version: number;
  /** counts its connections: what was sent to an earlier one may be lost */
  readonly epoch: number;
  /** its steady clock, ms */
  readonly clock: number;
  readonly serves: readonly Serve[];
  /** objects that others have now, and that still run something there, {@link Lane.key} */
  readonly held: readonly string[];
  /** whom it knows; only for those who have just come */
  readonly knows?: readonly string[];
  /** its version has to be confirmed */
  readonly asks?: boolean;
  /** it is going */
  readonly end?: boolean;
}

/** How many beats are remembered to tell the clocks of two hosts apart. */
const BEATS = 8;

/** A process that is there. */
export class Member {
  version = -1;
  epoch = 0;
  serves: readonly Serve[] = [];
  held: ReadonlySet<string> = new Set();
  /** our steady clock, ms */
  heardAt = 0;
  /** our version that it has seen */
  seen = -1;
  /** the carrier had nobody for what was sent to it: it gets nothing before it is heard again, or has gone */
  unreached = false;
  /** of what it serves, by {@link Serve.since} */
  readonly workers = new Map<number, Worker>();
  /** who takes the calls of its objects, all at once */
  readonly objects = new Group(this);
  private readonly offsets: number[] = [];
  private readonly seed: number;

  constructor(readonly id: string) {
    this.seed = hash(id);
  }

  /** What our steady clock is ahead of its own, ms; the time on the way is in it. */
  get offset(): number | undefined {
    return this.offsets.length === 0 ? undefined : Math.min(...this.offsets);
  }

  /** @returns what is new: it serves or holds something else; it has a new connection */
  heard(
    { version, epoch, clock, serves, held }: Announcement,
    now: number,
  ): { changed: boolean; reconnected: boolean } {
    const changed = version !== this.version || held.length > 0 || this.held.size > 0 || this.unreached;
    const reconnected = this.version >= 0 && epoch !== this.epoch;
    this.unreached = false;
    this.version = version;
    this.epoch = epoch;
    this.serves = serves;
    this.held = new Set(held);
    this.heardAt = now;
    this.offsets.push(now - clock);
    if (this.offsets.length > BEATS) this.offsets.shift();
    return { changed, reconnected };
  }

  /** Rendezvous hashing: the member with the highest score has the object. @param object {@link hash} of it */
  score(object: number): number {
    let value = object ^ this.seed;
    value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
    value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
    return (value ^ (value >>> 16)) >>> 0;
  }
}

/** An announcement that somebody sent. @returns undefined: it is none */
export function announcementOf(head: readonly unknown[]): Announcement | undefined {
  const said = head[1] as Partial<Announcement> | null | undefined;
  if (typeof said !== 'object' || said === null) return undefined;
  const { id, version, epoch, clock, serves, held } = said;
  const numbers = [version, epoch, clock].every((value) => typeof value === 'number' && Number.isFinite(value));
  if (typeof id !== 'string' || !numbers || !Array.isArray(serves) || !Array.isArray(held)) return undefined;
  return (serves as Serve[]).every(isServe) ? (said as Announcement) : undefined;
}

function isServe(serve: Partial<Serve> | null): boolean {
  return (
    typeof serve?.service === 'string' &&
    Number.isInteger(serve.partition) &&
    Number.isInteger(serve.concurrency) &&
    Number.isInteger(serve.since) &&
    Array.isArray(serve.methods)
  );
}
