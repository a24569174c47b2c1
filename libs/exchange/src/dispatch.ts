import type { BerthError } from '@berth/errors';
import type { Carrier, OpenedExchange } from './exchange.js';
import type { FlatHeaders } from './flat-headers.js';
import type { OpenHead } from './heads.js';
import type { ResponseSink } from './sinks.js';

/** The connection that a request came over, as a socket of Node knows it. */
export interface PeerSocket {
  /** undefined: the client is gone */
  readonly remotePort?: number | undefined;
  /** version of TLS; absent: there is none */
  getProtocol?(): string | null;
}

/** An exchange that is to be opened. */
export interface ExchangeRequest {
  readonly openHead: OpenHead;
  /** address of the client, without a port; empty when it is not known */
  readonly clientAddress: string;
  /** a connection that has just failed this exchange */
  readonly except?: Carrier | undefined;
  /** the process behind the agent's connections that it should go to, while that can take it */
  readonly replicaId?: string | undefined;
  /** as the client speaks it, such as HTTP/1.1; rules of ports keep it, others that change a request may leave it out */
  readonly protocol?: string | undefined;
  /** whose {@link clientAddress} is; rules of ports keep it, but for one that finds the client behind a proxy */
  readonly peer?: PeerSocket | undefined;
  /** as in the answer, when it is over; for who stands outermost: handlers that change a request leave it out */
  readonly requestId?: string | undefined;
  /** of the trace that it belongs to; likewise */
  readonly traceId?: string | undefined;
  /** what was answered in place of the agent, or broke its answer off; likewise */
  readonly error?: BerthError | undefined;
}

/** The same request with other headers. Who asks may have it as getters, which a spread would lose. */
export function withHeaders(
  { peer, clientAddress, except, openHead, protocol, replicaId }: ExchangeRequest,
  headers: FlatHeaders,
): ExchangeRequest {
  return { peer, clientAddress, except, openHead: { ...openHead, headers }, protocol, replicaId };
}

/** Something between client and agent that takes its time before the exchange is opened. */
export interface Waiting {
  /** The client is gone: nothing more is called on the sink, and nothing is opened. */
  cancel(): void;
}

/**
 * Who takes what comes of a request. Once the exchange is there, whoever takes
 * its answer calls `discard` of it in the end, whatever happened; before that
 * `failed` may still come, also after `end`: its consumer was too slow.
 */
export interface DispatchSink extends ResponseSink {
  /** The exchange is there; again, with another one, when it is tried once more. May come before {@link Dispatch} returns. */
  opened(exchange: OpenedExchange): void;
  /** The exchange is there later, or an answer or `failed` comes without one. Called again, the last one counts. */
  waiting(wait: Waiting): void;
}

/** Opens an exchange. Never throws: what is wrong comes as `failed` of the sink. */
export type Dispatch = (request: ExchangeRequest, sink: DispatchSink) => void;

/** A rule around exchanges: returns `next` itself, or what does more. Called once for each agent's port. */
export type ExchangeHandler = (next: Dispatch) => Dispatch;

/**
 * @param handlers the first is the outermost: it sees requests first, and answers last
 * @param innermost opens the exchange
 */
export function composeHandlers(handlers: readonly ExchangeHandler[], innermost: Dispatch): Dispatch {
  return handlers.reduceRight((next, handler) => handler(next), innermost);
}
