import type { LocalServiceOffer, ServiceListReply, ServicePort } from '@berth/tunnel-protocol';
import type { Link } from './link.js';

/** First wait before a port is asked for again that was refused for a reason that may pass, ms; it doubles up to the last. */
const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 60_000;

/** What is known of a connection in service. */
interface Offered {
  /** number of the list that its gateway has answered last */
  answered: number;
  retryTimer: NodeJS.Timeout | undefined;
  waitMs: number;
}

/** What is done for those that keep the list. */
export interface OffersOwner {
  /** every connection leads to what the list of now says */
  agreed(): void;
  /** a connection whose gateway cannot be told: its successor will say it */
  renew(link: Link): void;
}

/** The list of local services, which every connection has its gateway know, and asks again for ports that may come. */
export class Offers {
  private number = 0;
  private readonly links = new Map<Link, Offered>();
  /** number of the list that a connection's Hello had */
  private readonly dialled = new WeakMap<Link, number>();

  constructor(
    private services: readonly LocalServiceOffer[],
    private required: readonly string[],
    private readonly owner: OffersOwner,
  ) {}

  /** A connection is being made, with the list of now in its Hello. */
  dials(link: Link): void {
    this.dialled.set(link, this.number);
  }

  /** It serves, and its gateway has answered its Hello. */
  joined(link: Link, ports: readonly ServicePort[]): void {
    const answered = this.dialled.get(link) ?? this.number;
    const offered: Offered = { answered, retryTimer: undefined, waitMs: RETRY_MIN_MS };
    this.links.set(link, offered);
    if (answered === this.number) this.askAgain(link, offered, ports);
    else this.bring(link);
    this.check();
  }

  /** It serves no more, or takes nothing new. */
  left(link: Link): void {
    clearTimeout(this.links.get(link)?.retryTimer);
    if (this.links.delete(link)) this.check();
  }

  change(services: readonly LocalServiceOffer[], required: readonly string[]): void {
    this.services = services;
    this.required = required;
    this.number += 1;
    for (const link of [...this.links.keys()]) this.bring(link);
    this.check();
  }

  /** @returns whether it is the answer to the list of now */
  replied(link: Link, { number, ports }: ServiceListReply): boolean {
    const offered = this.links.get(link);
    if (offered === undefined || number !== this.number) return false;
    offered.answered = number;
    this.askAgain(link, offered, ports);
    this.check();
    return true;
  }

  close(): void {
    for (const { retryTimer } of this.links.values()) clearTimeout(retryTimer);
    this.links.clear();
  }

  private bring(link: Link): void {
    const offered = this.links.get(link);
    clearTimeout(offered?.retryTimer);
    if (offered !== undefined) offered.waitMs = RETRY_MIN_MS;
    if (link.takesServices) this.tell(link);
    else this.owner.renew(link);
  }

  private tell(link: Link): void {
    link.offer({ number: this.number, services: [...this.services] }, this.required);
  }

  private askAgain(link: Link, offered: Offered, ports: readonly ServicePort[]): void {
    clearTimeout(offered.retryTimer);
    if (!link.takesServices || !ports.some(({ retryable }) => retryable === true)) return;
    offered.retryTimer = setTimeout(() => {
      this.tell(link);
    }, offered.waitMs).unref();
    offered.waitMs = Math.min(offered.waitMs * 2, RETRY_MAX_MS);
  }

  private check(): void {
    for (const { answered } of this.links.values()) if (answered !== this.number) return;
    this.owner.agreed();
  }
}
