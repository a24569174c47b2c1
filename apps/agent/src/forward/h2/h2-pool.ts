import type { LimitedLog } from '@berth/observability';
import type { AgentSettings } from '../../agent-settings.js';
import type { LocalTarget } from '../local-target.js';
import { LocalSession, type SessionOwner } from './h2-session.js';

/** Somebody who wants a stream to the local service. */
export interface StreamUser {
  /** It is its turn: begins one stream at the most, on this connection, now. */
  run(session: LocalSession): void;
  /** No stream became free in time. */
  refused(): void;
  /** The service cannot be reached. */
  unreachable(error: Error): void;
}

/** Why an exchange was refused, for logs. */
export const ALL_STREAMS_IN_USE = 'all streams of its HTTP/2 connections are in use (local.maxConnections)';

/** Connections that are being opened at a time; a burst shall not overrun the service's queue. */
const MAX_OPENING = 16;

/**
 * The HTTP/2 connections to the local service: one as long as it takes the streams that are needed, and another when
 * all are full, up to `local.maxConnections`. Above that exchanges wait; and when no stream has ended for
 * `local.queueTimeoutMs`, whoever waits or comes is refused.
 */
export class H2Pool implements SessionOwner {
  private readonly sessions = new Set<LocalSession>();
  /** take streams; the first one with room gets the next, so that those which are not needed become idle */
  private readonly usable: LocalSession[] = [];
  private readonly opening = new Set<LocalSession>();
  private readonly waiting = new Set<StreamUser>();
  /** when a stream last began or ended; monotonic ms */
  private movedAt = 0;
  private stuckTimer: NodeJS.Timeout | undefined;
  private serving = false;
  private closed = false;

  /** @param settings with `maxConnections` of at least 1 */
  constructor(
    private readonly target: LocalTarget,
    private readonly settings: AgentSettings['local'],
    private readonly log: LimitedLog,
  ) {}

  /** Connections that carry a stream. */
  get inUse(): number {
    let count = 0;
    for (const { streams } of this.sessions) if (streams > 0) count += 1;
    return count;
  }

  /** Users that wait for their turn. */
  get queued(): number {
    return this.waiting.size;
  }

  /** Asks for a turn: one of the user's functions is called, maybe at once. */
  acquire(user: StreamUser): void {
    if (this.waiting.size === 0) {
      const session = this.usable.find(hasRoom);
      if (session !== undefined) {
        this.movedAt = performance.now();
        user.run(session);
        return;
      }
    }
    this.waiting.add(user);
    this.openMore();
    if (this.opening.size === 0 && this.leftMs() <= 0) this.refuseAll();
    else this.watchQueue();
  }

  /** Takes a user out of the queue. */
  abandon(user: StreamUser): void {
    this.waiting.delete(user);
  }

  /** Breaks off all that runs. */
  close(): void {
    this.closed = true;
    clearTimeout(this.stuckTimer);
    for (const session of [...this.sessions]) session.destroy();
  }

  roomier(session: LocalSession): void {
    if (this.opening.delete(session)) this.usable.push(session);
    this.movedAt = performance.now();
    if (this.waiting.size > 0) this.serve();
  }

  retired(session: LocalSession): void {
    const at = this.usable.indexOf(session);
    if (at >= 0) this.usable.splice(at, 1);
    if (this.waiting.size > 0 && session.most > 0) this.openMore();
  }

  gone(session: LocalSession, error: Error | undefined): void {
    this.retired(session);
    this.sessions.delete(session);
    this.opening.delete(session);
    if (this.waiting.size === 0) return;
    if (error === undefined) this.openMore();
    // Otherwise those who wait have streams that end to wait for.
    else if (this.opening.size === 0 && this.usable.length === 0) this.failAll(error);
  }

  /** In a loop, because who runs may be done at once, and leave again. */
  private serve(): void {
    if (this.serving) return;
    this.serving = true;
    try {
      for (const next of this.waiting) {
        const session = this.usable.find(hasRoom);
        if (session === undefined) break;
        this.waiting.delete(next);
        next.run(session);
      }
    } finally {
      this.serving = false;
    }
    if (this.waiting.size > 0) this.openMore();
  }

  private openMore(): void {
    const { opening, usable, waiting } = this;
    // What one connection takes is known when the first has opened.
    const each = usable[0]?.most ?? Infinity;
    while (!this.closed && (opening.size === 0 || waiting.size > opening.size * each) && this.mayOpen()) {
      try {
        const session = new LocalSession(this.target, this.settings, this);
        opening.add(session);
        this.sessions.add(session);
      } catch (thrown) {
        this.failAll(thrown as Error);
        return;
      }
    }
  }

  private mayOpen(): boolean {
    // One that takes no streams for now says what others would say.
    if (this.usable.at(-1)?.most === 0) return false;
    // Those that only finish what they have must not keep the service from being used at all.
    const isAlone = this.opening.size === 0 && this.usable.length === 0;
    return isAlone || (this.sessions.size < this.settings.maxConnections && this.opening.size < MAX_OPENING);
  }

  /** Until those who wait are refused, if no stream ends; ms. */
  private leftMs(): number {
    return this.movedAt + this.settings.queueTimeoutMs - performance.now();
  }

  private watchQueue(): void {
    this.stuckTimer ??= setTimeout(this.onStuck, Math.max(this.leftMs(), 20));
  }

  private readonly onStuck = (): void => {
    this.stuckTimer = undefined;
    if (this.waiting.size === 0) return;
    // A connection that is being opened has a time limit of its own.
    if (this.opening.size > 0 || this.leftMs() > 0) this.watchQueue();
    else this.refuseAll();
  };

  private refuseAll(): void {
    const { maxConnections, queueTimeoutMs } = this.settings;
    this.log.warn(
      { maxConnections, queueTimeoutMs },
      'exchanges are refused: all streams to the local service are in use (local.maxConnections, local.queueTimeoutMs)',
    );
    for (const user of this.takeAll()) user.refused();
  }

  private failAll(error: Error): void {
    for (const user of this.takeAll()) user.unreachable(error);
  }

  private takeAll(): StreamUser[] {
    const users = [...this.waiting];
    this.waiting.clear();
    return users;
  }
}

function hasRoom(session: LocalSession): boolean {
  return session.hasRoom;
}
