import { DiscoveryService } from '@nestjs/core';
import type { FlatHeaders } from '@berth/http-rules';

/** One request (or upgrade) on its way to an agent; method, target and headers may be changed. */
export interface IngressRequest {
  readonly agentId: string;
  readonly kind: 'http' | 'upgrade';
  method: string;
  /** request target, as received */
  target: string;
  /** name, value, name, value …; end-to-end headers only */
  headers: FlatHeaders;
  /** the client's address; in the IPv4 form for an IPv4 client of a dual-stack listener */
  readonly remoteAddress: string;
}

/** The response head on its way to the client; may be changed. */
export interface IngressResponse {
  status: number;
  headers: FlatHeaders;
}

/** Answers instead of the agent: nothing is sent to it. */
export interface IngressAnswer {
  /** 200..599 */
  status: number;
  headers?: FlatHeaders;
  body?: string;
}

/** A method without a `return` has `void`. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- that is what it is for
type MaybeAnswer = IngressAnswer | undefined | void;

/**
 * Sees each exchange before it is sent, and its response head before it leaves.
 * Interceptors run in the order of their providers; a throw answers 500 (or the
 * status of a BerthError) and nothing else suffers.
 */
export interface IngressInterceptor {
  /** @returns an answer in place of the agent's, or nothing */
  onRequest?(request: IngressRequest): MaybeAnswer | Promise<MaybeAnswer>;
  onResponse?(response: IngressResponse, request: IngressRequest): void | Promise<void>;
}

/** Marks a provider as an {@link IngressInterceptor}; `order` sorts, lower first, 0 unless given. */
export const UseAtIngress = DiscoveryService.createDecorator<{ order?: number }>();
