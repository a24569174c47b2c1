import {
  type DispatchSink,
  ExchangeDecorator,
  type ExchangeFailure,
  ExchangeKind,
  type FlatHeaders,
  type OpenedExchange,
  type OpenHead,
  ResetCode,
  type ResponseHead,
} from '@berth/exchange';
import { headerValue } from '@berth/http-rules';
import type { Policy } from '../policy-schema.js';
import { compressedHead, encodingFor, isMadeShorter, unchangedHead } from './compressed-head.js';
import { type Compressor, compressors } from './compressors.js';
import type { PortRule } from './port-rule.js';

/** Compressed bytes that the client has yet to take; above it the agent's credit is held back. */
const MAX_UNTAKEN_BYTES = 131_072;

/** Compresses answers for clients that take them so (RFC 9110 section 8.4). */
export const compression: PortRule = {
  reads: ['compression'],
  make({ compression: policy }) {
    if (!policy.enabled) return undefined;
    return (next) => (request, sink) => {
      const { openHead } = request;
      next(request, openHead.kind === ExchangeKind.http ? new CompressedAnswer(sink, openHead, policy) : sink);
    };
  },
};

class CompressedAnswer extends ExchangeDecorator {
  /** the answer stays as it is */
  private isPlain = true;
  /** undefined before it is needed, and when it has done its work */
  private compressor: Compressor | undefined;
  /** bytes that its length still promises; undefined: it is not known, and what comes may be waited for */
  private promised: number | undefined;
  private trailers: FlatHeaders | undefined;
  /** bytes of the agent that have been compressed and not given back as credit */
  private owed = 0;
  /** compressed bytes that the client has not taken */
  private untaken = 0;
  /** chunks that the compressor has not finished */
  private busy = 0;
  private hasOpened = false;
  private willFlush = false;

  constructor(
    sink: DispatchSink,
    private readonly request: OpenHead,
    private readonly policy: Policy['compression'],
  ) {
    super(sink);
  }

  override opened(exchange: OpenedExchange): void {
    this.hasOpened = true;
    super.opened(exchange);
  }

  override head(head: ResponseHead): void {
    this.sink.head(this.prepared(head));
  }

  override data(bytes: Buffer): void {
    const { compressor } = this;
    if (this.isPlain) this.sink.data(bytes);
    if (compressor === undefined) return;
    if (this.promised !== undefined) {
      this.promised -= bytes.length;
      if (this.promised < 0) {
        this.giveUp('the response is longer than its Content-Length');
        return;
      }
    }
    this.busy += 1;
    compressor.write(bytes, () => {
      // Nobody wants it any more.
      if (this.compressor === undefined) return;
      this.busy -= 1;
      this.owed += bytes.length;
      this.giveBack();
      if (this.promised === undefined && this.busy === 0) this.flushSoon();
    });
  }

  override end(trailers: FlatHeaders | undefined): void {
    const { compressor, promised = 0 } = this;
    if (this.isPlain) this.sink.end(trailers);
    if (compressor === undefined) return;
    if (promised > 0) this.giveUp('the response is shorter than its Content-Length');
    else {
      this.trailers = trailers;
      compressor.end();
    }
  }

  override failed(failure: ExchangeFailure): void {
    this.stop();
    this.sink.failed(failure);
  }

  /** Of compressed bytes the agent knows nothing. */
  override consumed(bytes: number): void {
    if (this.isPlain) {
      this.next.consumed(bytes);
      return;
    }
    this.untaken -= bytes;
    this.giveBack();
  }

  override reset(code: ResetCode, message?: string): void {
    this.stop();
    this.next.reset(code, message);
  }

  override discard(): void {
    this.stop();
    this.next.discard();
  }

  private prepared(head: ResponseHead): ResponseHead {
    const { policy, request } = this;
    // What Berth answers by itself is short.
    if (!this.hasOpened || !isMadeShorter(head, policy)) return unchangedHead(head, request);
    const encoding = request.method === 'HEAD' ? undefined : encodingFor(request);
    const compressor = encoding && compressors.start(encoding);
    if (encoding === undefined || compressor === undefined) return compressedHead(head, undefined);
    const length = headerValue(head.headers, 'content-length');
    this.promised = length === undefined ? undefined : Number(length);
    this.take(compressor);
    return compressedHead(head, encoding);
  }

  private take(compressor: Compressor): void {
    this.compressor = compressor;
    this.isPlain = false;
    compressor.on('data', (bytes: Buffer) => {
      this.untaken += bytes.length;
      this.sink.data(bytes);
    });
    compressor.on('end', () => {
      this.compressor = undefined;
      this.sink.end(this.trailers);
    });
    compressor.on('error', ({ message }) => {
      if (this.compressor !== undefined) this.giveUp(`the answer could not be compressed: ${message}`);
    });
  }

  /** Once for what comes together. */
  private flushSoon(): void {
    if (this.willFlush) return;
    this.willFlush = true;
    setImmediate(() => {
      this.willFlush = false;
      if (this.busy === 0 && this.compressor?.writable === true) this.compressor.flush();
    });
  }

  /** The agent may send more while the client keeps up. */
  private giveBack(): void {
    const { owed } = this;
    if (owed === 0 || this.untaken > MAX_UNTAKEN_BYTES) return;
    this.owed = 0;
    this.next.consumed(owed);
  }

  private giveUp(message: string): void {
    this.next.reset(ResetCode.internal, message);
    this.failed({ code: ResetCode.internal, message });
  }

  private stop(): void {
    const { compressor } = this;
    this.compressor = undefined;
    this.owed = 0;
    compressor?.removeAllListeners('data').removeAllListeners('end').destroy();
  }
}
