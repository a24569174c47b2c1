import type { Subscription } from '../invocation-bus.js';
import type { Carrier } from './carrier.js';
import { Confirmations } from './confirmations.js';
import { type Announcement, Member, type Part, PROTOCOL, type Serve } from './member.js';
import { encode } from './message.js';
import type { Lane } from './routing.js';
import { Served } from './served.js';

/** What follows from who comes and goes. */
export interface PresenceEvents {
  /** it serves something else; {@link changed} follows */
  serves(member: Member, part: Part): void;
  /** who has which object, or may run it, has changed */
  changed(): void;
  /** it has gone, or has been silent for too long; {@link changed} follows */
  gone(member: Member): void;
  /** messages to and from it may have been lost */
  disturbed(member: Member): void;
  /** the time has passed after which a silent member counts as dead, again and again */
  waited(): void;
  /** others may take this process for dead, and have its objects */
  lapsed(): void;
  /** objects that others have now, and that still run something here, {@link Lane.bucket} */
  held(): number[];
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
  private readonly served = new Served();
  /** what the next announcement has to tell */
  private news: Part | undefined = { base: -1, version: 0, serves: [] };
  private epoch = 0;
  private readonly confirmed = new Confirmations();
  private until = -1;
  private wasDeaf = true;
  private beatAt = performance.now();
  private beats = 0;
  private soon: NodeJS.Immediate | undefined;
  private readonly timer: NodeJS.Timeout;
  /** whom others know, and we do not yet */
  private readonly rumours = new Set<string>();
  private greeted: (() => void) | undefined;

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
  serve(subscription: Subscription): { readonly serve: Serve; readonly known: Promise<void> } {
    const serve = this.served.next(subscription);
    return { serve, known: this.change(this.served.change([serve])) };
  }

  /**
   * Says that it serves this no longer. Resolves when all others know, or cannot be told: those who do not hear this
   * process give it up by themselves.
   */
  leave({ since }: Serve): Promise<void> {
    return this.change(this.served.change([], [since]), true);
  }

  private change(part: Part, leaving = false): Promise<void> {
    this.tell(part);
    const { version } = part;
    if (leaving && !this.isUp) return Promise.resolve();
    const known = this.confirmed.until(version, leaving);
    this.checkConfirmed();
    return known;
  }

  /** Of a new version, which everybody has to confirm. */
  private tell(part: Part): void {
    const { version } = part;
    this.term += 1;
    this.news = part;
    this.events.changed();
    this.announce();
    void this.carrier.flush().then(() => {
      if (this.isUp) this.confirmed.hasFlushed(version);
      this.checkConfirmed();
    });
  }

  announce(more: Partial<Announcement> = {}): void {
    const { news } = this;
    this.news = undefined;
    if (this.isUp) this.carrier.announce(encode(['h', this.announcement(news ? { part: news, ...more } : more)]));
  }

  /** Once for all that happens in this turn: each announcement is work for all others. */
  announceSoon(): void {
    this.soon ??= setImmediate(() => {
      this.soon = undefined;
      this.announce();
    });
  }

  private announcement(more: Partial<Announcement>): Announcement {
    const { id } = this.self;
    const { version } = this.served;
    return {
      ...{ protocol: PROTOCOL, id, version, epoch: this.epoch, clock: performance.now(), held: this.events.held() },
      ...{ asks: this.confirmed.version < version, ...more },
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

  /** To one that has just come, or has missed something. */
  greet(id: string): void {
    if (id === this.self.id) return;
    for (const part of this.served.parts()) {
      const more = part.more === true ? { part } : { part, knows: [...this.others.keys()] };
      this.carrier.send(id, encode(['h', this.announcement(more)]));
    }
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
    const { part } = said;
    const isNews = part !== undefined && member.follows(part);
    if (isNews) this.events.serves(member, part);
    if (part?.more === true) return;
    if (known === undefined) this.greet(said.id);
    if (changed || isNews || known === undefined) {
      this.term += 1;
      this.checkConfirmed();
      this.events.changed();
    }
    if (reconnected) this.events.disturbed(member);
    if (member.version === said.version) this.knows(said);
    else if (member.mayAsk(now, this.timeoutMs / BEATS)) this.carrier.send(said.id, encode(['q', this.self.id]));
  }

  /** It is known what a member serves. */
  private knows({ id, version, asks, knows }: Announcement): void {
    this.rumours.delete(id);
    for (const other of knows ?? [])
      if (other !== this.self.id && (this.others.get(other)?.version ?? -1) < 0) this.rumours.add(other);
    if (knows !== undefined) this.greeted?.();
    // After what is held has been announced: whoever is confirmed knows it then.
    if (asks === true) this.carrier.send(id, encode(['s', this.self.id, version]));
  }

  /** A member has seen a version of ours. */
  seen(id: string, version: number): void {
    const member = this.others.get(id);
    if (member === undefined || version <= member.seen) return;
    member.seen = version;
    this.checkConfirmed();
  }

  private checkConfirmed(): void {
    const seen = [...this.others.values()].map((member) => member.seen);
    if (this.confirmed.check(this.served.version, seen)) this.events.changed();
  }

  /** Whether calls of an object that this process has may begin: all know it, and nobody else still runs one. */
  mayRun(lane: Lane): boolean {
    if (this.lapsed) return false;
    const { version } = this.confirmed;
    if (version < this.served.version && lane.scope.ownerOf(lane.name, version) !== this.self) return false;
    for (const { held } of this.others.values()) if (held.size > 0 && held.has(lane.bucket)) return false;
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
    if (this.served.version > 0) this.tell(this.served.change());
  }

  /** Nothing comes, not even our own beat: others may take us for dead, and we can say nothing of them. */
  private deaf(): void {
    if (this.wasDeaf) return;
    this.wasDeaf = true;
    this.term += 1;
    // What others sent meanwhile may be lost: they ask for it, as after a broken connection.
    this.epoch += 1;
    this.confirmed.forget();
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
    this.beats += 1;
    if (this.beats % BEATS === 0 && this.isUp) this.events.waited();
  }

  private lose(id: string): void {
    const member = this.others.get(id);
    if (member === undefined) return;
    this.others.delete(id);
    this.term += 1;
    this.events.gone(member);
    this.checkConfirmed();
    this.events.changed();
  }

  /** The carrier is away. */
  down(): void {
    this.confirmed.letLeave();
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
    this.news = this.served.clear();
    this.announce();
  }

  /** Goes. */
  close(): void {
    clearInterval(this.timer);
    clearImmediate(this.soon);
    this.announce({ end: true });
    this.confirmed.close();
  }
}
