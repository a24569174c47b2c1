import type { BerthError } from '@berth/errors';
import type { FlatHeaders } from './flat-headers.js';
import type { InterimHead, ResetCode, ResponseHead } from './heads.js';

/** Why an exchange ended early, as its sink is told. */
export interface ExchangeFailure {
  code: ResetCode | 'connection-lost';
  /** for logs; never to be matched */
  message: string;
  /** what to tell the client, where its connection or a handler on the way has decided that */
  error?: BerthError;
  /** further fields for the head of that answer, such as `WWW-Authenticate` */
  fields?: FlatHeaders;
  /** an earlier try may have got to the local service, whatever became of this one */
  mayHaveReached?: boolean;
}

/**
 * Who takes the bytes that the other side sends on one exchange. Plain calls,
 * no events: a listener list per exchange would cost more than the relaying.
 * After `end` of a response, or `failed`, nothing more is called.
 */
export interface BodySink {
  /** at most 64 KiB; report them with `consumed` of the exchange when they have really been taken */
  data(bytes: Buffer): void;
  end(trailers: FlatHeaders | undefined): void;
  failed(failure: ExchangeFailure): void;
  /** after `sendData` of the exchange returned false: there is room again */
  writable(): void;
  /** the other side's consumer has taken some of what was sent, also after its end */
  progressed?(): void;
}

const nothing = (): void => undefined;

/** Of an exchange that nobody takes: one that has been reset, or not begun. */
export const NO_SINK: BodySink = { data: nothing, end: nothing, failed: nothing, writable: nothing };

/** Who takes the answer to an exchange that was opened here. */
export interface ResponseSink extends BodySink {
  /** the final response head, before any data */
  head(head: ResponseHead): void;
  /** before the head; at most 64 of them */
  informational(head: InterimHead): void;
}
