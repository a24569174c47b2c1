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

/** What a process serves from one version of it to another, or all of it, part by part. */
export interface Part {
  /** the version before it; -1: nothing need be known */
  readonly base: number;
  readonly version: number;
  readonly serves: readonly Serve[];
  /** what it does not serve any more, {@link Serve.since}; absent: all since `base` that is not in `serves` */
  readonly gone?: readonly number[] | undefined;
  /** others follow at once */
  readonly more?: boolean;
}

/** Another one does not understand what is said here, nor is it understood. */
export const PROTOCOL = 1;

/** What a process says of itself, again and again. */
export interface Announcement {
  readonly protocol: typeof PROTOCOL;
  readonly id: string;
  /** counts its changes of what it serves */
  readonly version: number;
  /** counts its connections: what was sent to an earlier one may be lost */
  readonly epoch: number;
  /** its steady clock, ms */
  readonly clock: number;
  /** objects that others have now, and that still run something there, {@link Engine.held} */
  readonly held: readonly number[];
  /** what has changed; without it whoever does not know `version` asks */
  readonly part?: Part;
  /** whom it knows; only for those who have just come */
  readonly knows?: readonly string[];
  /** its version has to be confirmed */
  readonly asks?: boolean;
  /** the version of whoever is told that is known there, as is all that stands here */
  readonly seen?: number;
  /** it is going */
  readonly end?: boolean;
}

/** How many beats are remembered to tell the clocks of two hosts apart. */
const BEATS = 8;

/** A process that is there. */
export class Member {
  /** of what it serves, as far as it is known here; -1: not yet */
  version = -1;
  epoch = -1;
  held: ReadonlySet<number> = new Set();
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
  /** the version of the last part */
  private upTo = -1;
  private askedAt = -Infinity;
  private readonly seed: number;

  constructor(readonly id: string) {
    this.seed = hash(id);
  }

  /** What our steady clock is ahead of its own, ms; the time on the way is in it. */
  get offset(): number | undefined {
    return this.offsets.length === 0 ? undefined : Math.min(...this.offsets);
  }

  /** @returns what is new: it holds something else, or is reached again; it has a new connection */
  heard({ epoch, clock, held }: Announcement, now: number): { changed: boolean; reconnected: boolean } {
    const changed = held.length > 0 || this.held.size > 0 || this.unreached;
    const reconnected = this.epoch >= 0 && epoch !== this.epoch;
    this.unreached = false;
    this.epoch = epoch;
    this.held = new Set(held);
    this.heardAt = now;
    this.offsets.push(now - clock);
    if (this.offsets.length > BEATS) this.offsets.shift();
    return { changed, reconnected };
  }

  /** Takes a part of what it serves. @returns false: one before it has got lost, and it is of no use */
  follows({ base, version, more }: Part): boolean {
    if (base !== -1 && base !== this.upTo) return false;
    this.upTo = version;
    if (more !== true) this.version = version;
    return true;
  }

  /** Whether to ask it for what it serves: it was not asked just now. */
  mayAsk(now: number, pauseMs: number): boolean {
    if (now - this.askedAt < pauseMs) return false;
    this.askedAt = now;
    return true;
  }

  /** Rendezvous hashing: the member with the highest score has the object. @param object {@link hash} of it */
  score(object: number): number {
    let value = object ^ this.seed;
    value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
    value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
    return (value ^ (value >>> 16)) >>> 0;
  }
}

/** Whether it names a member: answers are sent there, and a carrier may throw at other addresses. */
export function isId(id: unknown): boolean {
  return typeof id === 'string' && /^[\w-]{1,64}$/.test(id);
}

/** An announcement that somebody sent. @returns undefined: it is none */
export function announcementOf(head: readonly unknown[]): Announcement | undefined {
  const said = head[1] as Partial<Announcement> | null | undefined;
  if (typeof said !== 'object' || said === null || said.protocol !== PROTOCOL) return undefined;
  const { id, version, epoch, clock, held, part, knows = [], seen = 0 } = said;
  const numbers = [version, epoch, clock, seen].every((value) => Number.isFinite(value));
  if (!isId(id) || !numbers || !Array.isArray(held) || !Array.isArray(knows)) return undefined;
  return part === undefined || isPart(part) ? (said as Announcement) : undefined;
}

function isPart(part: Partial<Part> | null): boolean {
  if (!Number.isInteger(part?.base) || !Number.isInteger(part?.version)) return false;
  const { serves, gone = [] } = part as Partial<Part>;
  return Array.isArray(gone) && Array.isArray(serves) && (serves as Serve[]).every(isServe);
}

function isServe(serve: Partial<Serve> | null): boolean {
  return (
    typeof serve?.service === 'string' &&
    [serve.partition, serve.concurrency, serve.since].every(Number.isInteger) &&
    Array.isArray(serve.methods)
  );
}
