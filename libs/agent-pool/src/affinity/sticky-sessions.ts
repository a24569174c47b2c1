export interface StickySessionsOptions {
  /** after so long without use a session is over, ms; null: never (checklist C1) */
  ttlMs: number | null;
  /** sessions kept; past it the one that was not used for longest goes (C8) */
  maxSessions: number;
  /** monotonic ms */
  now: () => number;
}

export const STICKY_DEFAULTS: Readonly<StickySessionsOptions> = {
  ttlMs: 300_000,
  maxSessions: 100_000,
  now: () => performance.now(),
};

/**
 * Which target a session belongs to, such as a replica, or for the chunks of one
 * exchange a connection (checklist C8, C9). Each use refreshes.
 *
 * Bound: `maxSessions`, and the ttl; sweep now and then, so that what nobody
 * asks for goes as well.
 */
export class StickySessions<T> {
  /** in the order of last use */
  private readonly sessions = new Map<string, { target: T; usedAt: number }>();
  private readonly options: Readonly<StickySessionsOptions>;

  constructor(options: Partial<StickySessionsOptions> = {}) {
    this.options = { ...STICKY_DEFAULTS, ...options };
  }

  get count(): number {
    return this.sessions.size;
  }

  /** Begins a session, or gives it another target. */
  create(id: string, target: T): void {
    this.sessions.delete(id);
    if (this.sessions.size >= this.options.maxSessions) {
      for (const oldest of this.sessions.keys()) {
        this.sessions.delete(oldest);
        break;
      }
    }
    this.sessions.set(id, { target, usedAt: this.options.now() });
  }

  /** The target of a session, which is refreshed; undefined when there is none, or it is over. */
  use(id: string): T | undefined {
    const session = this.sessions.get(id);
    if (session === undefined) return undefined;
    this.sessions.delete(id);
    if (this.isOver(session.usedAt)) return undefined;
    session.usedAt = this.options.now();
    this.sessions.set(id, session);
    return session.target;
  }

  /** Asks without refreshing. */
  has(id: string): boolean {
    const session = this.sessions.get(id);
    return session !== undefined && !this.isOver(session.usedAt);
  }

  clear(id: string): boolean {
    return this.sessions.delete(id);
  }

  /** Forgets what is over. @returns how many */
  sweep(): number {
    let swept = 0;
    for (const [id, { usedAt }] of this.sessions) {
      // The order is that of use: all that follow are younger.
      if (!this.isOver(usedAt)) break;
      this.sessions.delete(id);
      swept += 1;
    }
    return swept;
  }

  private isOver(usedAt: number): boolean {
    const { ttlMs, now } = this.options;
    return ttlMs !== null && now() - usedAt > ttlMs;
  }
}
