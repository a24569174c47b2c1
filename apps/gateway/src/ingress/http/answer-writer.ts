import type { ServerResponse } from 'node:http';
import { headerPairs, isBodiless, relayResponseHead, relayTrailers, withoutHeader } from '@berth/http-rules';
import {
  type Corkable,
  type FlatHeaders,
  type InterimHead,
  type OpenedExchange,
  PacedWriter,
  type ResponseHead,
} from '@berth/exchange';
import { breakOff } from './linger.js';

/** A body up to this size leaves in one string with its head. */
const INLINE_BODY_BYTES = 2048;

export interface AnswerOwner {
  /** undefined where a handler answers by itself */
  readonly exchange: OpenedExchange | undefined;
  /** the body is not what its head said: the client must not take it for whole */
  contradicted(what: string): void;
  /** head or trailers cannot be sent as HTTP */
  unsendable(thrown: unknown): void;
}

/** Writes one answer to its client: framing is rebuilt, everything else is as the agent sent it. */
export class AnswerWriter extends PacedWriter {
  /** bytes that Content-Length still promises; undefined: chunked or until close */
  private remaining: number | undefined;
  private bodiless = false;

  /** @param method of the request */
  constructor(
    private readonly response: ServerResponse,
    private readonly method: string,
    private readonly owner: AnswerOwner,
  ) {
    super();
  }

  /** Passes an interim response on; clients of HTTP/1.0 know none. */
  informational(head: InterimHead): void {
    const { response } = this;
    if (response.headersSent || response.req.httpVersionMinor === 0) return;
    try {
      if (head.status === 100) response.writeContinue();
      else response.writeInformation(head.status, relayResponseHead(head.status, head.headers, false).headers);
    } catch (thrown) {
      this.owner.unsendable(thrown);
    }
  }

  /** Ends the connection so that its client sees that there should have been more. */
  breakOff(): void {
    const { response } = this;
    // What there is of the answer leaves first: a connection that ends without a byte of it looks like an idle one's end.
    sendNow(response);
    // Where the end of the connection is the end of the body, only a reset shows the fault.
    if (response.req.httpVersionMinor === 0 && response.socket !== null) breakOff(response.socket);
    response.destroy();
  }

  /** @returns false when it cannot be sent; its owner was told */
  head(head: ResponseHead): boolean {
    const { response } = this;
    try {
      const { headers, contentLength, announcesTrailers } = relayResponseHead(head.status, head.headers, false);
      this.bodiless = isBodiless(this.method, head.status);
      this.remaining = this.bodiless ? undefined : contentLength;
      const noTrailers = this.bodiless || contentLength !== undefined || response.req.httpVersionMinor === 0;
      response.sendDate = false;
      // Node refuses to announce trailers that the framing has no place for.
      const kept = announcesTrailers && noTrailers ? withoutHeader(headers, 'trailer') : headers;
      response.writeHead(head.status, head.reason, kept);
    } catch (thrown) {
      this.owner.unsendable(thrown);
      return false;
    }
    // Without a body in the same batch (an event stream, say) the head must not wait for one.
    process.nextTick(flushHead, response);
    return true;
  }

  data(bytes: Buffer): void {
    const { response } = this;
    const { length } = bytes;
    if (this.bodiless) {
      this.taken(length);
      return;
    }
    if (this.remaining !== undefined) {
      this.remaining -= length;
      if (this.remaining < 0) {
        this.owner.contradicted('the response is longer than its Content-Length');
        return;
      }
      if (this.remaining === 0 && !this.behind) {
        // One write for head, body and end; as text, a small body even shares the head's buffer.
        if (length <= INLINE_BODY_BYTES) response.end(bytes.toString('latin1'), 'latin1');
        else response.end(bytes);
        this.taken(length);
        return;
      }
    }
    this.write(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    const { response } = this;
    if (this.remaining !== undefined && this.remaining > 0) {
      this.owner.contradicted('the response is shorter than its Content-Length');
      return;
    }
    try {
      // Now, as one string: a list of short ones that waits would be several times as large.
      if (trailers !== undefined && response.chunkedEncoding)
        response.addTrailers(headerPairs(relayTrailers(trailers)));
      // From response.end() on, Node takes the connection for idle, and a server that stops would cut it.
      this.finishInTurn();
    } catch (thrown) {
      this.owner.unsendable(thrown);
    }
  }

  protected get target(): ServerResponse {
    return this.response;
  }

  protected get network(): Corkable | null {
    return this.response.socket;
  }

  protected taken(bytes: number): void {
    this.owner.exchange?.consumed(bytes);
  }

  protected finish(): void {
    if (!this.response.writableEnded) this.response.end();
  }
}

/** Unlike `flushHeaders()`, which writes the head as UTF-8, this keeps its bytes. */
function flushHead(response: ServerResponse): void {
  if (!response.writableEnded && !response.destroyed) response.write('', 'latin1');
}

/** Hands the socket all that was written, the head included; Node holds it back until the turn ends. */
function sendNow(response: ServerResponse): void {
  flushHead(response);
  const { socket } = response;
  while (socket !== null && socket.writableCorked > 0) socket.uncork();
}
