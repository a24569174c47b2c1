import { type BodySink, type FlatHeaders, type IncomingExchange, ResetCode } from '@berth/exchange';
import { isIdempotent } from '@berth/http-rules';
import type { AgentSettings } from '../../agent-settings.js';
import type { ForwardOwner } from '../forward-owner.js';
import { isStaleConnection } from '../local-errors.js';
import { coded } from './h2-codes.js';
import { ALL_STREAMS_IN_USE, type H2Pool, type StreamUser } from './h2-pool.js';
import { h2RequestHead } from './h2-request-head.js';
import type { LocalSession } from './h2-session.js';
import { H2Stream, type StreamEvents } from './h2-stream.js';
import { H2Upload } from './h2-upload.js';

/** A body up to this that is there before its turn is kept for a second try, bytes. */
const KEEP_BYTES = 64 * 1024;

/** One ordinary exchange as a stream of HTTP/2 to the local service. */
export class H2Forward implements BodySink, StreamUser, StreamEvents {
  /** what came of the body before its turn */
  private gathered: Buffer[] | undefined;
  private requestEnd: { trailers: FlatHeaders | undefined } | undefined;
  /** all of a body that was there before its turn */
  private whole: Buffer | undefined;
  private upload: H2Upload | undefined;
  private stream: H2Stream | undefined;
  private over = false;
  private retried = false;
  private beganAt = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param origin of the target */
  constructor(
    private readonly exchange: IncomingExchange,
    private readonly pool: H2Pool,
    private readonly origin: string,
    private readonly times: Pick<AgentSettings['local'], 'responseTimeoutMs' | 'idleTimeoutMs'>,
    private readonly owner: Pick<ForwardOwner, 'figures' | 'fail'>,
  ) {}

  /** A body that has come whole in one batch can be sent twice; so the start waits for the batch's end. */
  start(): void {
    if (!this.exchange.openHead.body) {
      this.pool.acquire(this);
      return;
    }
    this.gathered = [];
    process.nextTick(acquire, this);
  }

  acquire(): void {
    if (!this.over) this.pool.acquire(this);
  }

  // --- what the pool says ----------------------------------------------------

  run(session: LocalSession): void {
    const { exchange, owner } = this;
    this.beganAt = owner.figures.begin();
    try {
      this.keepWhole();
      const { whole } = this;
      const mayTrail = exchange.openHead.body && (whole === undefined || this.requestEnd?.trailers !== undefined);
      const isEmpty = !exchange.openHead.body || (whole?.length === 0 && !mayTrail);
      const head = h2RequestHead(exchange.openHead, this.origin);
      const { stream } = (this.stream = new H2Stream(session, head, !isEmpty, mayTrail, exchange, this));
      if (whole !== undefined && !isEmpty) stream.end(whole);
      else if (!isEmpty) this.beginUpload();
      const { responseTimeoutMs } = this.times;
      if (responseTimeoutMs > 0) {
        this.timer = setTimeout(() => {
          this.stop(coded('UND_ERR_HEADERS_TIMEOUT', 'no answer in time (local.responseTimeoutMs)'));
        }, responseTimeoutMs);
      }
    } catch (thrown) {
      this.stop(thrown as Error);
    }
  }

  refused(): void {
    this.over = true;
    this.exchange.reset(ResetCode.localBusy, ALL_STREAMS_IN_USE);
  }

  unreachable(error: Error): void {
    this.stop(error);
  }

  private keepWhole(): void {
    const { requestEnd, gathered } = this;
    if (gathered === undefined || requestEnd === undefined) return;
    const length = gathered.reduce((sum, { length: its }) => sum + its, 0);
    if (length > KEEP_BYTES) return;
    this.whole = Buffer.concat(gathered, length);
    this.gathered = undefined;
    this.exchange.consumed(length);
  }

  private beginUpload(): void {
    const { requestEnd, gathered, stream } = this;
    if (stream === undefined) return;
    this.gathered = undefined;
    this.upload = new H2Upload(stream.stream, this.exchange);
    for (const bytes of gathered ?? []) this.upload.data(bytes);
    if (requestEnd !== undefined) this.upload.end();
  }

  // --- what the gateway sends ------------------------------------------------

  data(bytes: Buffer): void {
    if (this.gathered === undefined) this.upload?.data(bytes);
    else this.gathered.push(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    this.requestEnd = { trailers };
    this.upload?.end();
  }

  failed(): void {
    this.over = true;
    clearTimeout(this.timer);
    this.pool.abandon(this);
    this.stream?.cancel();
    this.exchange.discard();
  }

  writable(): void {
    this.stream?.stream.resume();
  }

  // --- what the local service answers ----------------------------------------

  answered(): void {
    this.whole = undefined;
    this.owner.figures.answer(this.beganAt);
    clearTimeout(this.timer);
    this.timer = undefined;
    const { idleTimeoutMs } = this.times;
    if (idleTimeoutMs > 0) this.watchIdle(idleTimeoutMs, 0);
  }

  ended(): void {
    this.over = true;
    clearTimeout(this.timer);
  }

  trailers(): FlatHeaders | undefined {
    return this.requestEnd?.trailers;
  }

  broke(error: Error): void {
    const { exchange, stream } = this;
    const isFirst = !this.over && !exchange.closed && !this.retried && stream?.responded === false;
    if (!isFirst || !this.mayRunAgain(error)) {
      this.stop(error);
      return;
    }
    clearTimeout(this.timer);
    this.retried = true;
    this.stream = undefined;
    this.pool.acquire(this);
  }

  /** Nothing is done twice (RFC 9110 section 9.2.2): the service has said so, or it would do no harm. */
  private mayRunAgain(error: Error): boolean {
    const { method, body } = this.exchange.openHead;
    if (this.stream?.leftOut === true) return this.upload === undefined;
    return !body && isIdempotent(method) && isStaleConnection(error);
  }

  private stop(error: Error): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    const { exchange, stream } = this;
    if (stream?.leftOut === true && !stream.responded && !exchange.closed)
      exchange.reset(ResetCode.localBusy, 'it left the request undone (REFUSED_STREAM, or GOAWAY)');
    else this.owner.fail(exchange, error);
    stream?.cancel();
  }

  private watchIdle(ms: number, before: number): void {
    this.timer = setTimeout(() => {
      const { stream } = this;
      if (stream === undefined) return;
      // One that waits for its client is not the service's silence.
      if (stream.bytes !== before || stream.stream.isPaused()) this.watchIdle(ms, stream.bytes);
      else this.stop(coded('UND_ERR_BODY_TIMEOUT', 'its answer has stopped (local.idleTimeoutMs)'));
    }, ms);
  }
}

function acquire(forward: H2Forward): void {
  forward.acquire();
}
