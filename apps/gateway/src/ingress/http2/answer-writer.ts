import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { ServerHttp2Stream, ServerStreamResponseOptions } from 'node:http2';
import { type FlatHeaders, type InterimHead, PacedWriter, type ResponseHead } from '@berth/exchange';
import {
  FramingError,
  headersByName,
  headerValue,
  isBodiless,
  relayResponseHead,
  relayTrailers,
} from '@berth/http-rules';
import type { AnswerOwner } from '../http/answer-writer.js';
import { resetOnceSent } from './reset-once-sent.js';

/** Of one header value, name or trailer; nghttp2 ends the whole connection above 64 KiB. */
const MAX_FIELD_BYTES = 60_000;

const ANSWER = Symbol('answer');
type AnsweringStream = ServerHttp2Stream & { [ANSWER]?: Http2AnswerWriter };

/** Writes one answer to its stream, at the pace of the client's windows. */
export class Http2AnswerWriter extends PacedWriter {
  /** bytes that Content-Length still promises; undefined: there is none */
  private remaining: number | undefined;
  private bodiless = false;
  private trailers: FlatHeaders | undefined;
  /** a head that may be all of the answer */
  private held: FlatHeaders | undefined;

  /** @param method of the request */
  constructor(
    private readonly stream: AnsweringStream,
    private readonly method: string,
    private readonly owner: AnswerOwner,
  ) {
    super();
  }

  informational({ status, headers: raw }: InterimHead): void {
    const { stream } = this;
    if (stream.headersSent || stream.closed) return;
    try {
      const { headers } = relayResponseHead(status, raw, false);
      checkFields(headers);
      stream.additionalHeaders({ ':status': status, ...headersByName(headers) });
    } catch (thrown) {
      this.owner.unsendable(thrown);
    }
  }

  /** @returns false when it cannot be sent; its owner was told */
  head({ status, headers: raw }: ResponseHead): boolean {
    const { stream } = this;
    if (stream.closed) return false;
    try {
      const { headers, contentLength, announcesTrailers } = relayResponseHead(status, raw, false);
      if (status > 599) throw new FramingError(`its status ${status} has no place in HTTP/2`);
      checkFields(headers);
      // Node ends 205 by itself as well.
      this.bodiless = isBodiless(this.method, status) || status === 205;
      this.remaining = this.bodiless ? undefined : contentLength;
      headers.unshift(':status', String(status));
      if (this.bodiless) stream.respond(headers, responseOptions(true, false));
      // gRPC takes its status from a head only where that ends the stream.
      else if (headerValue(headers, 'grpc-status') !== undefined) this.held = headers;
      else this.respond(headers, contentLength === undefined || announcesTrailers);
    } catch (thrown) {
      this.owner.unsendable(thrown);
      return false;
    }
    return true;
  }

  data(bytes: Buffer): void {
    const { stream } = this;
    const { length } = bytes;
    if (this.bodiless || stream.closed) {
      this.taken(length);
      return;
    }
    if (this.held !== undefined) this.release();
    if (this.remaining !== undefined) {
      this.remaining -= length;
      if (this.remaining < 0) {
        this.owner.contradicted('the response is longer than its Content-Length');
        return;
      }
    }
    this.write(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    if (this.remaining !== undefined && this.remaining > 0) {
      this.owner.contradicted('the response is shorter than its Content-Length');
      return;
    }
    try {
      if (trailers !== undefined) {
        this.trailers = relayTrailers(trailers);
        checkFields(this.trailers);
      }
    } catch (thrown) {
      this.owner.unsendable(thrown);
      return;
    }
    if (this.held !== undefined && !this.stream.closed) {
      if (trailers === undefined) this.stream.respond(this.held, responseOptions(true, false));
      else this.release();
    }
    this.finishInTurn();
  }

  /** Everything of the body is out: trailers, or an end without them. */
  sendTrailers(): void {
    const { stream, trailers } = this;
    if (!stream.closed) stream.sendTrailers(trailers === undefined ? {} : headersByName(trailers));
  }

  private respond(headers: FlatHeaders, waitForTrailers: boolean): void {
    const { stream } = this;
    if (waitForTrailers) {
      stream[ANSWER] = this;
      stream.once('wantTrailers', onWantTrailers);
    }
    stream.respond(headers, responseOptions(false, waitForTrailers));
  }

  /** The head that was held is not all of the answer. */
  private release(): void {
    const { held = [] } = this;
    this.held = undefined;
    this.respond(held, true);
  }

  protected get target(): ServerHttp2Stream {
    return this.stream;
  }

  protected get network(): ServerHttp2Stream {
    return this.stream;
  }

  protected taken(bytes: number): void {
    this.owner.exchange?.consumed(bytes);
  }

  protected finish(): void {
    const { stream } = this;
    if (!stream.writableEnded) stream.end();
    // What the client still sends is wanted by nobody (RFC 9113 section 8.1).
    resetOnceSent(stream);
  }
}

/** `sendDate` is missing in Node's types: the date is the service's to say. */
function responseOptions(
  endStream: boolean,
  waitForTrailers: boolean,
): ServerStreamResponseOptions & { sendDate: false } {
  return { endStream, waitForTrailers, sendDate: false };
}

function onWantTrailers(this: AnsweringStream): void {
  this[ANSWER]?.sendTrailers();
}

/**
 * nghttp2 sends what it is given: a line break would be one at the next hop.
 *
 * @throws Error for what no header may be, or HTTP/2 cannot carry
 */
export function checkFields(flat: FlatHeaders): void {
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string;
    const value = flat[i + 1] as string;
    validateHeaderName(name);
    validateHeaderValue(name, value);
    if (name.length + value.length > MAX_FIELD_BYTES)
      throw new FramingError(`its header ${name.slice(0, 64)} is larger than HTTP/2 can carry`);
  }
}
