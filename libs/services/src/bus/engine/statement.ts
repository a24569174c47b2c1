import type { Subscription } from '../invocation-bus.js';
import type { Carrier } from './carrier.js';
import { Confirmations } from './confirmations.js';
import { type Announcement, type Part, PROTOCOL, type Serve } from './member.js';
import { encode, MAX_HEAD_BYTES } from './message.js';
import { Served } from './served.js';

/** What follows from what this process says of itself. */
export interface StatementEvents {
  /** there is a new version, which others do not know yet */
  renewed(): void;
  /** others may know more of it */
  heard(): void;
  /** objects that others have now, and that still run something here, {@link Engine.held} */
  held(): number[];
}

/** What this process says of itself: what it serves, in versions that all others have to confirm. */
export class Statement {
  readonly confirmed = new Confirmations();
  /** counts the connections: what was sent to an earlier one may be lost */
  epoch = 0;
  private readonly served = new Served();
  /** what the next announcement has to tell */
  private news: Part | undefined = { base: -1, version: 0, serves: [] };

  constructor(
    private readonly carrier: Carrier,
    private readonly events: StatementEvents,
  ) {}

  get version(): number {
    return this.served.version;
  }

  /** It serves this as well. @returns what it says, and when all others know */
  serve(subscription: Subscription): { readonly serve: Serve; readonly known: Promise<void> } {
    const serve = this.served.next(subscription);
    return { serve, known: this.change(this.served.change([serve])) };
  }

  /**
   * It serves this no longer. Resolves when all others know, or cannot be told: those who do not hear this process give
   * it up by themselves.
   */
  leave({ since }: Serve): Promise<void> {
    return this.change(this.served.change([], [since]), true);
  }

  /** The same, to be confirmed anew: who confirmed it before may have taken this process for dead meanwhile. */
  renew(): void {
    this.confirmed.forget(this.version);
    if (this.version > 0) this.tell(this.served.change());
  }

  /** It serves nothing any more, and does not wait until others know. */
  retire(): void {
    this.news = this.served.clear();
    this.announce();
  }

  /** To all. */
  announce(more: Partial<Announcement> = {}): void {
    const { news } = this;
    this.news = undefined;
    if (this.isUp) this.carrier.announce(this.message(news ? { part: news, ...more } : more));
  }

  /** All of it, to one. */
  greet(id: string, knows: readonly string[]): void {
    for (const part of this.served.parts(this.carrier.maxBytes - MAX_HEAD_BYTES))
      this.carrier.send(id, this.message(part.more === true ? { part } : { part, knows }));
  }

  /** One of a member's versions is known. What is held goes with it: whoever relies on the one must know the other. */
  confirm(id: string, seen: number): void {
    this.carrier.send(id, this.message({ seen, asks: false }));
  }

  private change(part: Part, leaving = false): Promise<void> {
    this.tell(part);
    if (leaving && !this.isUp) return Promise.resolve();
    const known = this.confirmed.until(part.version, leaving);
    this.events.heard();
    return known;
  }

  private tell(part: Part): void {
    this.news = part;
    this.events.renewed();
    this.announce();
    void this.carrier.flush().then(() => {
      if (this.isUp) this.confirmed.hasFlushed(part.version);
      this.events.heard();
    });
  }

  private message(more: Partial<Announcement>): Buffer {
    const { version, epoch, confirmed, carrier, events } = this;
    const about = { id: carrier.id, version, epoch, clock: performance.now(), held: events.held() };
    return encode(['h', { protocol: PROTOCOL, ...about, asks: confirmed.version < version, ...more }]);
  }

  private get isUp(): boolean {
    return this.carrier.health().state === 'up';
  }
}
