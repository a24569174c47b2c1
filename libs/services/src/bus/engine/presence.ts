import type { Subscription } from '../invocation-bus.js';
import type { Carrier } from './carrier.js';
import { type Announcement, Member, type Serve } from './member.js';
import { encode } from './message.js';
import type { Lane } from './routing.js';

/** What follows from who comes and goes. */
export interface PresenceEvents {
  /** it is new, or what it serves has changed; {@link changed} follows */
  serves(member: Member): void;
  /** who has which object, or may run it, has changed */
  changed(): void;
  /** it has gone, or has been silent for too long; {@link changed} follows */
  gone(member: Member): void;
  /** messages to and from it may have been lost */
  disturbed(member: Member): void;
  /** others may take this process for dead, and have its objects */
  lapsed(): void;
  /** objects that others have now, and that still run something here */
  held(): string[];
}

/** Beats in the time after which a silent member counts as dead. */
const BEATS = 4;
/** Of that time, how long a process trusts that others still count on it: less than they do. */
const TRUST = 0.8;

/**
 * Who is there, and what this process may rely on. Members say what they serve, with a beat and when it changes. An
 * object belongs to the member that rendezvous hashing names among those who serve it. A member runs calls of an object
 * only when all others have confirmed that they know what it serves, and none still runs a call of that object; and
 * only as long as it hears its own beat over the carrier, for a shorter time than others wait for it.
 */
export class Presence {
  readonly self: Member;
  readonly others = new Map<string, Member>();
  /** another one when any object may have been another process's meanwhile */
  term = 0;
  private serves: readonly Serve[] = [];
  private version = 0;
  private epoch = 0;
  /** our version that everybody knows; what is behind the flush can have no doubt */
  private acked = -1;
  private flushed = -1;
  private until = -1;
  private wasDeaf = true;
  private beatAt = performance.now();
  private readonly timer: NodeJS.Timeout;
  /** whom others know, and we do not yet */
  private readonly rumours = new Set<string>();
  private greeted: (() => void) | undefined;
  private waiting: { readonly version: number; readonly leaving: boolean; readonly done: () => void }[] = [];

  constructor(
    private readonly carrier: Carrier,
    private readonly timeoutMs: number,
    private readonly events: PresenceEvents,
  ) {
    this.self = new Member(carrier.id);
    this.timer = setInterval(() => this.beat(), timeoutMs / BEATS).unref();
  }

  /** Nobody confirms any more that this process is there: others may have its objects. */
  get lapsed(): boolean {
    return performance.now() > this.until;
  }

  get isUp(): boolean {
    return this.carrier.health().state === 'up';
  }

  /** why it is not up; undefined: it is */
  get trouble(): string | undefined {
    const { state, reason = 'it has gone' } = this.carrier.health();
    return state === 'up' ? undefined : reason;
  }

  /** Says what this process serves as well. @returns what it says, and when all others know */
  serve({ service, partition, objectId, statelessMethods, concurrency }: Subscription): {
    readonly serve: Serve;
    readonly known: Promise<void>;
  } {
    const since = this.version + 1;
    const serve: Serve = { service, partition, objectId, methods: [...statelessMethods], concurrency, since };
    return { serve, known: this.change([...this.serves, serve]) };
  }

  /**
   * Says that it serves this no longer. Resolves when all others know, or cannot be told: those who do not hear this
   * process give it up by themselves.
   */
  leave(serve: Serve): Promise<void> {
    const serves = this.serves.filter((other) => other !== serve);
    return this.change(serves, true);
  }

  private change(serves: readonly Serve[], leaving = false): Promise<void> {
    this.serves = serves;
    this.renew();
    const { version } = this;
    if (leaving && !this.isUp) return Promise.resolve();
    return new Promise((done) => {
      this.waiting.push({ version, leaving, done });
      this.checkAcked();
    });
  }

  /** A new version, which everybody has to confirm. */
  private renew(): void {
    this.version += 1;
    const { version } = this;
    this.term += 1;
    this.events.changed();
    this.announce();
    void this.carrier.flush().then(() => {
      if (this.isUp) this.flushed = Math.max(this.flushed, version);
      this.checkAcked();
    });
  }

  announce(): void {
    if (this.isUp) this.carrier.announce(encode(['h', this.announcement()]));
  }

  announcement(more: Partial<Announcement> = {}): Announcement {
    const { id } = this.self;
    return {
      ...{ id, version: this.version, epoch: this.epoch, clock: performance.now(), serves: this.serves },
      ...{ held: this.events.held(), asks: this.acked < this.version, ...more },
    };
  }

  /** Resolves when all that anybody knows have said who they are, or have had the time for it. */
  async complete(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), this.timeoutMs);
    this.greeted = () => {
      if (this.rumours.size === 0) resolve(undefined);
    };
    if (this.others.size > 0) this.greeted();
    await promise;
    this.greeted = undefined;
    clearTimeout(timer);
  }

  /** To one that has just come. */
  greet(id: string): void {
    if (id !== this.self.id)
      this.carrier.send(id, encode(['h', this.announcement({ knows: [...this.others.keys()] })]));
  }

  heard(said: Announcement): void {
    const now = performance.now();
    if (said.id === this.self.id) {
      this.echo(said.clock, now);
      return;
    }
    if (said.end === true) {
      this.lose(said.id);
      return;
    }
    const known = this.others.get(said.id);
    const member = known ?? new Member(said.id);
    this.others.set(said.id, member);
    const { changed, reconnected } = member.heard(said, now);
    this.rumours.delete(said.id);
    for (const id of said.knows ?? []) if (id !== this.self.id && !this.others.has(id)) this.rumours.add(id);
    if (said.knows !== undefined) this.greeted?.();
    if (known === undefined) this.greet(said.id);
    if (changed || known === undefined) {
      this.term += 1;
      this.events.serves(member);
      this.checkAcked();
      this.events.changed();
    }
    if (reconnected) this.events.disturbed(member);
    // After what is held has been announced: whoever is confirmed knows it then.
    if (said.asks === true) this.carrier.send(said.id, encode(['s', this.self.id, said.version]));
  }

  /** A member has seen a version of ours. */
  seen(id: string, version: number): void {
    const member = this.others.get(id);
    if (member === undefined || version <= member.seen) return;
    member.seen = version;
    this.checkAcked();
  }

  private checkAcked(): void {
    let acked = Math.min(this.flushed, this.version);
    for (const { seen } of this.others.values()) acked = Math.min(acked, seen);
    if (acked > this.acked) {
      this.acked = acked;
      this.events.changed();
    }
    const done = this.waiting.filter(({ version }) => version <= this.acked);
    if (done.length === 0) return;
    this.waiting = this.waiting.filter(({ version }) => version > this.acked);
    for (const one of done) one.done();
  }

  /** Whether calls of an object that this process has may begin: all know it, and nobody else still runs one. */
  mayRun(lane: Lane): boolean {
    if (this.lapsed) return false;
    if (this.acked < this.version && lane.scope.ownerOf(lane.name, this.acked) !== this.self) return false;
    for (const { held } of this.others.values()) if (held.size > 0 && held.has(lane.key)) return false;
    return true;
  }

  private echo(sentAt: number, now: number): void {
    if (this.lapsed) this.deaf();
    this.until = Math.max(this.until, sentAt + this.timeoutMs * TRUST);
    if (!this.wasDeaf || now > this.until) return;
    // What others said meanwhile may still be on its way.
    this.wasDeaf = false;
    for (const member of this.others.values()) {
      member.heardAt = now;
      this.events.disturbed(member);
    }
    if (this.version > 0) this.renew();
  }

  /** Nothing comes, not even our own beat: others may take us for dead, and we can say nothing of them. */
  private deaf(): void {
    if (this.wasDeaf) return;
    this.wasDeaf = true;
    this.term += 1;
    // What others sent meanwhile may be lost: they ask for it, as after a broken connection.
    this.epoch += 1;
    [this.acked, this.flushed] = [-1, -1];
    this.events.lapsed();
  }

  private beat(): void {
    const now = performance.now();
    const stalled = now - this.beatAt > this.timeoutMs / 2;
    this.beatAt = now;
    if (this.lapsed) this.deaf();
    this.announce();
    for (const member of this.others.values()) {
      if (stalled || this.wasDeaf) member.heardAt = now;
      else if (now - member.heardAt > this.timeoutMs) this.lose(member.id);
    }
  }

  private lose(id: string): void {
    const member = this.others.get(id);
    if (member === undefined) return;
    this.others.delete(id);
    this.term += 1;
    this.events.gone(member);
    this.checkAcked();
    this.events.changed();
  }

  /** The carrier is away. */
  down(): void {
    for (const { leaving, done } of this.waiting) if (leaving) done();
  }

  /** The carrier is back. */
  back(): void {
    this.epoch += 1;
    const now = performance.now();
    for (const member of this.others.values()) member.heardAt = now;
    this.announce();
    for (const member of this.others.values()) this.events.disturbed(member);
  }

  /** Serves nothing any more, and does not wait until others know. */
  retire(): void {
    this.serves = [];
    this.version += 1;
    this.announce();
  }

  /** Goes. */
  close(): void {
    clearInterval(this.timer);
    if (this.isUp) this.carrier.announce(encode(['h', this.announcement({ end: true })]));
    for (const { done } of this.waiting.splice(0)) done();
  }
}
