import { constants, type ServerHttp2Stream } from 'node:http2';
import type { BerthError } from '@berth/errors';
import { MessageCounter } from './message-counter.js';

/** What a call tells its connection. */
export interface CallOwner {
  /** @param messages that began in it */
  received(bytes: number, messages: number): void;
  /** @param windowBytes of HTTP/2, for all that is to come */
  accept(windowBytes?: number): void;
  ended(call: EdgeCall): void;
}

/** For the status of a call to leave before its stream is cancelled, ms. */
const STATUS_GRACE_MS = 1000;

/** Time between two looks whether a status has left, ms. */
const SENT_CHECK_MS = 10;

/** One gRPC call as HTTP/2 has it. */
export class EdgeCall {
  /** Told when the call must go, to give the caller a reason. */
  onGivenUp: ((error: BerthError) => void) | undefined;
  private isAgent = false;
  private readonly messages = new MessageCounter();
  private readonly count = (piece: Buffer): void => {
    this.owner.received(piece.length, this.messages.count(piece));
  };

  constructor(
    private readonly stream: ServerHttp2Stream,
    private readonly owner: CallOwner,
  ) {
    stream.once('finish', () => {
      this.resetOnceSent();
    });
    stream.once('close', () => {
      owner.ended(this);
    });
  }

  get accepted(): boolean {
    return this.isAgent;
  }

  /**
   * The caller has shown who it is.
   *
   * @param windowBytes HTTP/2 window from now on; the default is out of a tunnel's way
   */
  accept(windowBytes?: number): void {
    if (this.isAgent || this.stream.closed) return;
    this.isAgent = true;
    this.owner.accept(windowBytes);
  }

  /** Round trip of an HTTP/2 PING on its connection, ms; undefined when none came within the deadline. */
  roundTrip(deadlineMs: number): Promise<number | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, deadlineMs, undefined);
      timer.unref();
      const { session } = this.stream;
      const isSent =
        session?.destroyed === false &&
        session.ping((error, durationMs) => {
          clearTimeout(timer);
          resolve(error === null ? durationMs : undefined);
        });
      if (isSent) return;
      clearTimeout(timer);
      resolve(undefined);
    });
  }

  /** The tunnel in it is over; its status is on its way. */
  end(): void {
    setTimeout(() => {
      this.reset(constants.NGHTTP2_CANCEL);
      // A peer that does not read keeps the stream from closing.
      this.owner.ended(this);
    }, STATUS_GRACE_MS).unref();
  }

  /** @returns whether there was somebody to tell */
  giveUp(error: BerthError): boolean {
    this.onGivenUp?.(error);
    return this.onGivenUp !== undefined;
  }

  /** From now on its pieces are counted, before anybody else sees them. */
  meter(): void {
    this.stream.prependListener('data', this.count);
  }

  unmeter(): void {
    this.stream.off('data', this.count);
  }

  /**
   * gRPC sends the status and leaves the stream half open for as long as the
   * caller likes, with all that was received on it. The rest is not wanted: RFC
   * 9113 section 8.1. Not before the trailers are out, which no event tells: a
   * reset overtakes them.
   */
  private resetOnceSent(): void {
    if (this.stream.closed || this.stream.destroyed) return;
    if (this.stream.state.localClose === 1) this.reset(constants.NGHTTP2_NO_ERROR);
    else {
      setTimeout(() => {
        this.resetOnceSent();
      }, SENT_CHECK_MS).unref();
    }
  }

  private reset(code: number): void {
    if (!this.stream.closed) this.stream.close(code);
  }
}
