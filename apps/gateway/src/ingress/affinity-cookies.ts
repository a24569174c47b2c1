import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Replica } from '@berth/agent-pool';

/** What a cookie of ours says, and its signature proves. */
export interface AffinityClaim {
  /** of the replica, see {@link AffinityCookies.tagOf} */
  readonly tag: string;
  /** ms since the epoch */
  readonly expiresAt: number;
}

/** Cookies of clients that are at work now; more are checked again. */
const MAX_PROVEN = 1000;

/** Tag, seconds since the epoch, signature. */
const VALUE = /^([\w-]{16})\.([0-9a-z]{1,9})\.([\w-]{43})$/;

/** @param secret `ingress.affinity.secret`; empty: one that nobody knows */
export function affinityKey(secret: string): KeyObject {
  return createSecretKey(secret === '' ? randomBytes(32) : Buffer.from(secret, 'utf8'));
}

/**
 * Cookies that say which replica of one agent's service a client belongs to. All there is
 * to know stands in the cookie, so nothing is kept for a client: strangers cannot
 * crowd out others, and restarts and other gateways with the same key change nothing.
 */
export class AffinityCookies {
  private readonly tags = new WeakMap<Replica, string>();
  /** cookies that were found good: checking a signature takes 5 µs */
  private readonly proven = new Map<string, AffinityClaim>();

  /** @param scope the service and its agent: cookies of others are worth nothing here */
  constructor(
    private readonly key: KeyObject,
    private readonly scope: string,
    private readonly ttlSeconds: number,
  ) {}

  /** Stands for a replica outside: what its process calls itself may not be for strangers. */
  tagOf(replica: Replica): string {
    let tag = this.tags.get(replica);
    if (tag === undefined) {
      tag = this.hmac(`replica ${replica.id}`).toString('base64url').slice(0, 16);
      this.tags.set(replica, tag);
    }
    return tag;
  }

  /** @param now ms since the epoch */
  issue(replica: Replica, now: number): string {
    const expires = Math.floor(now / 1000) + this.ttlSeconds;
    const claimed = `${this.tagOf(replica)}.${expires.toString(36)}`;
    return `${claimed}.${this.sign(claimed).toString('base64url')}`;
  }

  /** What a cookie says; undefined when it is not ours, or over. */
  read(value: string, now: number): AffinityClaim | undefined {
    const claim = this.proven.get(value) ?? this.prove(value);
    return claim !== undefined && claim.expiresAt > now ? claim : undefined;
  }

  /** Whether the client should have a fresh one, so that only clients that stay away lose theirs. */
  isAgeing({ expiresAt }: AffinityClaim, now: number): boolean {
    return expiresAt - now < this.ttlSeconds * 500;
  }

  private prove(given: string): AffinityClaim | undefined {
    // A part of the header would keep all of it.
    const value = Buffer.from(given, 'latin1').toString('latin1');
    const [, tag, expires, signature] = VALUE.exec(value) ?? [];
    if (tag === undefined || expires === undefined || signature === undefined) return undefined;
    if (!timingSafeEqual(Buffer.from(signature, 'base64url'), this.sign(`${tag}.${expires}`))) return undefined;
    const claim = { tag, expiresAt: parseInt(expires, 36) * 1000 };
    if (this.proven.size === MAX_PROVEN) this.proven.clear();
    this.proven.set(value, claim);
    return claim;
  }

  private sign(claimed: string): Buffer {
    return this.hmac(`cookie ${this.scope} ${claimed}`);
  }

  private hmac(text: string): Buffer {
    return createHmac('sha256', this.key).update(text).digest();
  }
}
