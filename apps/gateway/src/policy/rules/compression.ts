import { type BrotliCompress, constants, createBrotliCompress, createGzip, type Gzip } from 'node:zlib';
import {
  type DispatchSink,
  ExchangeDecorator,
  type ExchangeFailure,
  ExchangeKind,
  type FlatHeaders,
  type OpenHead,
  ResetCode,
  type ResponseHead,
} from '@berth/exchange';
import { headerValue, removeHeader, setHeader } from '@berth/http-rules';
import Negotiator from 'negotiator';
import type { Policy } from '../policy-schema.js';
import type { PortRule } from './port-rule.js';

type Encoding = 'br' | 'gzip';

/** In this order where a client likes them alike. */
const ENCODINGS: readonly Encoding[] = ['br', 'gzip'];

/** Types whose messages are to arrive at once. */
const STREAMS = /^(?:text\/event-stream|application\/(?:grpc|x-ndjson|jsonl|stream\+json)|multipart\/x-mixed-replace)/i;

/** Compressed bytes that the client has yet to take; above it the agent's credit is held back. */
const MAX_UNTAKEN_BYTES = 131_072;

/** Compresses answers for clients that take them so (RFC 9110 section 8.4). */
export const compression: PortRule = {
  reads: ['compression'],
  make({ compression: policy }) {
    if (!policy.enabled) return undefined;
    return (next) => (request, sink) => {
      const { kind, method } = request.openHead;
      const mayCompress = kind === ExchangeKind.http && method !== 'HEAD';
      next(request, mayCompress ? new CompressedAnswer(sink, request.openHead, policy) : sink);
    };
  },
};

class CompressedAnswer extends ExchangeDecorator {
  private compressor: BrotliCompress | Gzip | undefined;
  private trailers: FlatHeaders | undefined;
  /** bytes of the agent that have been compressed and not given back as credit */
  private owed = 0;
  /** compressed bytes that the client has not taken */
  private untaken = 0;
  /** chunks that the compressor has not finished */
  private busy = 0;
  /** the length is not known: what comes may be waited for */
  private isLive = false;

  constructor(
    sink: DispatchSink,
    private readonly request: OpenHead,
    private readonly policy: Policy['compression'],
  ) {
    super(sink);
  }

  override head(head: ResponseHead): void {
    if (!mayShrink(head, this.policy)) {
      this.sink.head(head);
      return;
    }
    const headers = [...head.headers];
    const accepted = headerValue(this.request.headers, 'accept-encoding');
    const [encoding] = new Negotiator({ headers: { 'accept-encoding': accepted ?? 'identity' } }).encodings(ENCODINGS, {
      preferred: ENCODINGS,
    }) as Encoding[];
    addVary(headers);
    if (encoding === undefined) {
      this.sink.head({ ...head, headers });
      return;
    }
    this.isLive = headerValue(headers, 'content-length') === undefined;
    this.compressor = this.start(encoding);
    removeHeader(headers, 'content-length');
    // Of the bytes as they were.
    for (const name of ['content-md5', 'digest', 'repr-digest', 'content-digest', 'accept-ranges'])
      removeHeader(headers, name);
    weaken(headers);
    headers.push('Content-Encoding', encoding);
    this.sink.head({ ...head, headers });
  }

  override data(bytes: Buffer): void {
    const { compressor } = this;
    if (compressor === undefined) {
      this.sink.data(bytes);
      return;
    }
    this.busy += 1;
    compressor.write(bytes, () => {
      this.busy -= 1;
      this.owed += bytes.length;
      this.giveBack();
      if (this.isLive && this.busy === 0) setImmediate(this.flush);
    });
  }

  override end(trailers: FlatHeaders | undefined): void {
    if (this.compressor === undefined) {
      this.sink.end(trailers);
      return;
    }
    this.trailers = trailers;
    this.compressor.end();
  }

  override failed(failure: ExchangeFailure): void {
    this.stop();
    this.sink.failed(failure);
  }

  override consumed(bytes: number): void {
    if (this.compressor === undefined) {
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

  private start(encoding: Encoding): BrotliCompress | Gzip {
    const quality = { [constants.BROTLI_PARAM_QUALITY]: 4 };
    const compressor = encoding === 'br' ? createBrotliCompress({ params: quality }) : createGzip();
    compressor.on('data', (bytes: Buffer) => {
      this.untaken += bytes.length;
      this.sink.data(bytes);
    });
    compressor.on('end', () => {
      this.sink.end(this.trailers);
    });
    compressor.on('error', (error) => {
      this.next.reset(ResetCode.cancelled, error.message);
      this.failed({ code: ResetCode.internal, message: `the answer could not be compressed: ${error.message}` });
    });
    return compressor;
  }

  private readonly flush = (): void => {
    if (this.busy === 0 && this.compressor?.writable === true) this.compressor.flush();
  };

  /** The agent may send more while the client keeps up. */
  private giveBack(): void {
    const { owed } = this;
    if (owed === 0 || this.untaken > MAX_UNTAKEN_BYTES) return;
    this.owed = 0;
    this.next.consumed(owed);
  }

  private stop(): void {
    this.compressor?.removeAllListeners('data').removeAllListeners('end').destroy();
  }
}

function mayShrink({ headers, status }: ResponseHead, { minBytes, types }: Policy['compression']): boolean {
  if (status < 200 || status === 204 || status === 205 || status === 206 || status === 304) return false;
  if (headerValue(headers, 'content-encoding') !== undefined) return false;
  if (headerValue(headers, 'content-range') !== undefined) return false;
  if (/\bno-transform\b/i.test(headerValue(headers, 'cache-control') ?? '')) return false;
  const length = headerValue(headers, 'content-length');
  if (length !== undefined && Number(length) < Math.max(1, minBytes)) return false;
  const type = (headerValue(headers, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (STREAMS.test(type)) return false;
  return types.some((one) => {
    const known = one.toLowerCase();
    return known.endsWith('/*') ? type.startsWith(known.slice(0, -1)) : type === known;
  });
}

function addVary(headers: FlatHeaders): void {
  const vary = headerValue(headers, 'vary');
  if (vary === undefined) headers.push('Vary', 'Accept-Encoding');
  else if (!/(^|,)\s*(\*|accept-encoding)\s*(,|$)/i.test(vary)) setHeader(headers, 'Vary', `${vary}, Accept-Encoding`);
}

/** Equal in meaning, no longer byte by byte (RFC 9110 section 8.8.3). */
function weaken(headers: FlatHeaders): void {
  const tag = headerValue(headers, 'etag');
  if (tag?.startsWith('"') === true) setHeader(headers, 'ETag', `W/${tag}`);
}
