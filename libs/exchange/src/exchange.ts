import type { FlatHeaders } from './flat-headers.js';
import type { InterimHead, OpenHead, ResetCode, ResponseHead } from './heads.js';
import type { BodySink } from './sinks.js';

/** One relayed request with its response, or one byte pipe: what both sides do with it. */
export interface Exchange {
  /** counts up within its connection */
  readonly id: number;
  readonly openHead: OpenHead;
  /** raw bytes both ways: `tcp` from the start, an upgrade from its 101 on */
  readonly pipe: boolean;
  /** ended both ways or reset: its connection has forgotten it */
  readonly closed: boolean;
  /** the end of what was sent is on its way, and everything before it */
  readonly sendEnded: boolean;

  /**
   * Queues body bytes. The buffer must not change afterwards.
   *
   * @returns false when the producer should wait for `writable()` of the sink
   */
  sendData(bytes: Buffer): boolean;

  /** Ends this direction after what was queued. */
  sendEnd(trailers?: FlatHeaders): void;

  /** Ends both directions at once; nothing is called on the sink after it. */
  reset(code: ResetCode, message?: string): void;

  /** Reports bytes of `data` of the sink as taken, so that the other side may send more. */
  consumed(bytes: number): void;

  /**
   * The consumer is gone: what it held counts no longer. Needed only after a
   * response or pipe ended in order; a failure or {@link reset} implies it.
   */
  discard(): void;
}

/** What carries exchanges, as each of them knows it. */
export interface Carrier {
  /** of the connection, unique within the gateway */
  readonly id: string;
}

/** The exchange as the side has it that opened it: the gateway. */
export interface OpenedExchange extends Exchange {
  readonly connection: Carrier;
  /** when it began, monotonic ms */
  readonly openedAt: number;
  /** bytes that wait to be sent, for credit or for their turn */
  readonly pendingBytes: number;
  /** the final response head has come */
  readonly headReceived: boolean;
  /** interim responses that have come */
  readonly informationalCount: number;
}

/** The exchange as the side has it that answers: the agent. */
export interface IncomingExchange extends Exchange {
  /** who takes what comes from now on; may be changed at any time */
  sink: BodySink;

  /** Sends the final response head, once, before any data. */
  sendHead(head: ResponseHead): void;

  /** Sends an interim response, before the head. */
  sendInformational(head: InterimHead): void;
}
