import type { Carrier } from './carrier.js';
import { coarse } from './hash.js';
import { type Announcement, Member, type Part } from './member.js';
import { encode } from './message.js';
import type { Lane } from './routing.js';
import { Statement } from './statement.js';

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
  /** objects that others have now, and that still run something here, {@link Engine.held} */
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
  /** what this process says */
  readonly own: Statement;
  private until = -1;
  private wasDeaf = true;
  /** when our own beat came again after a silence */
  private backAt = -Infinity;
  private beatAt = performance.now();
  private beats = 0;
  /** what is to be done at the end of this turn: each of it is work for all lanes, or for all others */
  private soon: NodeJS.Immediate | undefined;
  private hasChanged = false;
  private hasNews = false;
  /** members that want their versions confirmed */
  private readonly confirming = new Map<string, number>();
  private readonly timer: NodeJS.Timeout;
  /** of whom we have heard, and do not know yet what they serve */
  private readonly rumours = new Set<string>();
  private greeted: (() => void) | undefined;
  private wasGreeted = false;

  constructor(
    private readonly carrier: Carrier,
    private readonly timeoutMs: number,
    private readonly events: PresenceEvents,
  ) {
    this.self = new Member(carrier.id);
    this.own = new Statement(carrier, {
      renewed: () => {
        this.term += 1;
        this.changed();
      },
      heard: () => this.checkConfirmed(),
      held: () => events.held(),
    });
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

  /** Announces what is held once this turn has ended. */
  announceSoon(): void {
    this.hasNews = true;
    this.later();
  }

  private changed(): void {
    this.hasChanged = true;
    this.later();
  }

  private later(): void {
    this.soon ??= setImmediate(() => {
      this.soon = undefined;
      this.apply();
      if (this.hasNews) this.own.announce();
      this.hasNews = false;
    });
  }

  /** What was heard in this turn counts from now on: what comes behind it must find it so. */
  settle(): void {
    if (this.soon !== undefined) this.apply();
  }

  private apply(): void {
    if (this.hasChanged) {
      this.hasChanged = false;
      this.events.changed();
    }
    for (const [id, version] of this.confirming) this.own.confirm(id, version);
    this.confirming.clear();
  }

  /** Resolves when all that anybody knows have said who they are, or have had the time for it. */
  async complete(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), this.timeoutMs);
    this.greeted = () => {
      if (this.wasGreeted && this.rumours.size === 0) resolve(undefined);
    };
    this.greeted();
    await promise;
    this.greeted = undefined;
    clearTimeout(timer);
  }

  /** To one that has just come, or has missed something. */
  greet(id: string): void {
    if (id !== this.self.id) this.own.greet(id, [...this.others.keys()]);
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
    if (known === undefined) this.greet(said.id);
    if (changed || isNews || known === undefined) {
      this.term += 1;
      this.checkConfirmed();
      this.changed();
    }
    if (reconnected) this.events.disturbed(member);
    if (part?.more === true) return;
    if (member.version === said.version) {
      this.knows(member, said);
      return;
    }
    this.rumours.add(said.id);
    if (member.mayAsk(now, this.timeoutMs / BEATS)) this.carrier.send(said.id, encode(['q', this.self.id]));
  }

  /** It is known what a member serves. */
  private knows(member: Member, { id, version, asks, knows, seen = -1 }: Announcement): void {
    this.rumours.delete(id);
    for (const other of knows ?? [])
      if (other !== this.self.id && (this.others.get(other)?.version ?? -1) < 0) this.rumours.add(other);
    this.wasGreeted ||= knows !== undefined;
    this.greeted?.();
    // Only here: a process relies on what others have confirmed, and on knowing what they serve.
    if (seen > member.seen) {
      member.seen = seen;
      this.checkConfirmed();
    }
    if (asks !== true) return;
    this.confirming.set(id, version);
    this.later();
  }

  private checkConfirmed(): void {
    const seen = [...this.others.values()].map((member) => member.seen);
    if (this.own.confirmed.check(this.own.version, seen)) this.changed();
  }

  /** Whether calls of an object that this process has may begin: all know it, and nobody else still runs one. */
  mayRun(lane: Lane): boolean {
    if (this.lapsed || this.wasDeaf) return false;
    const { version } = this.own.confirmed;
    if (version < this.own.version && lane.scope.ownerOf(lane.name, version) !== this.self) return false;
    for (const { held } of this.others.values())
      if (held.size > 0 && (held.has(lane.hash) || held.has(coarse(lane.hash)))) return false;
    return true;
  }

  private echo(sentAt: number, now: number): void {
    if (this.lapsed) {
      this.deaf();
      if (this.until >= 0) this.backAt = now;
    }
    this.until = Math.max(this.until, sentAt + this.timeoutMs * TRUST);
    // Whoever has come meanwhile, and has our objects, is heard within a beat: two are waited for.
    if (!this.wasDeaf || now > this.until || now - this.backAt < (2 * this.timeoutMs) / BEATS) return;
    // What others said meanwhile may still be on its way.
    this.wasDeaf = false;
    for (const member of this.others.values()) {
      member.heardAt = now;
      this.events.disturbed(member);
    }
    this.own.renew();
  }

  /** Nothing comes, not even our own beat: others may take us for dead, and we can say nothing of them. */
  private deaf(): void {
    if (this.wasDeaf) return;
    this.wasDeaf = true;
    this.term += 1;
    // What others sent meanwhile may be lost: they ask for it, as after a broken connection.
    this.own.epoch += 1;
    this.events.lapsed();
  }

  private beat(): void {
    const now = performance.now();
    const stalled = now - this.beatAt > this.timeoutMs / 2;
    this.beatAt = now;
    if (this.lapsed) this.deaf();
    this.own.announce();
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
    this.rumours.delete(id);
    this.term += 1;
    this.events.gone(member);
    this.checkConfirmed();
    this.changed();
  }

  /** The carrier is away. */
  down(): void {
    this.own.confirmed.letLeave();
  }

  /** The carrier is back. */
  back(): void {
    this.own.epoch += 1;
    const now = performance.now();
    for (const member of this.others.values()) member.heardAt = now;
    this.own.announce();
    for (const member of this.others.values()) this.events.disturbed(member);
  }

  /** Goes. */
  close(): void {
    clearInterval(this.timer);
    clearImmediate(this.soon);
    this.own.announce({ end: true });
    this.own.confirmed.close();
  }
}
