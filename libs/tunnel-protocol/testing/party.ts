import {
  type ExchangeFailure,
  ExchangeKind,
  type FlatHeaders,
  type InterimHead,
  ResetCode,
  type ResponseHead,
  type ResponseSink,
} from '@berth/exchange';
import { type IncomingTunnelExchange, SEND_HIGH_WATER_BYTES, type TunnelExchange } from '../src/exchange.js';
import type { Random } from './random.js';

const PERIOD = 251;
const MAX_CHUNK = 200_000;
/** Byte `i` of every body is a function of `i` and of its exchange, so that loss, repetition and mix-ups all show. */
const PATTERN = Buffer.from(Array.from({ length: MAX_CHUNK + 2 * PERIOD }, (_, index) => index % PERIOD));

function pattern(exchange: number, role: string, offset: number, length: number): Buffer {
  const start = (offset + exchange * 17 + (role === 'agent' ? 101 : 0)) % PERIOD;
  return PATTERN.subarray(start, start + length);
}

/** One side of one exchange: produces a body, checks and consumes the other one, at its own pace. */
export class Party implements ResponseSink {
  exchange!: TunnelExchange;
  sentBytes = 0;
  endQueued = false;
  receivedBytes = 0;
  heldBytes = 0;
  headSent = false;
  status: number | undefined;
  ended = 0;
  failures: ExchangeFailure[] = [];
  resetByMe = false;
  paused = false;
  wakeups = 0;
  stopsConsuming = false;
  /** trailers given to sendEnd, and got with end */
  sentTrailers: FlatHeaders | undefined;
  gotTrailers: FlatHeaders | undefined;

  constructor(
    readonly role: 'gateway' | 'agent',
    readonly kind: ExchangeKind,
    readonly bodyBytes: number,
    private readonly random: Random,
  ) {}

  // --- sink --------------------------------------------------------------------

  informational(_head: InterimHead): void {
    this.alive('informational');
  }

  head(head: ResponseHead): void {
    this.alive('head');
    if (this.status !== undefined) throw new Error('two heads');
    this.status = head.status;
    // What a peer's answer sets free may well be sent at once.
    if (this.random.chance(0.5)) this.produce();
  }

  data(bytes: Buffer): void {
    this.alive('data');
    const expected = pattern(
      this.exchange.id,
      this.role === 'agent' ? 'gateway' : 'agent',
      this.receivedBytes,
      bytes.length,
    );
    if (!bytes.equals(expected))
      throw new Error(`wrong bytes at ${this.receivedBytes} of exchange ${this.exchange.id}`);
    this.receivedBytes += bytes.length;
    this.heldBytes += bytes.length;
    if (this.random.chance(0.5)) this.consume();
  }

  end(trailers: FlatHeaders | undefined): void {
    this.alive('end');
    this.ended += 1;
    this.gotTrailers = trailers;
  }

  failed(failure: ExchangeFailure): void {
    if (this.resetByMe || this.failures.length > 0) throw new Error('failed() on an exchange that was over');
    this.failures.push(failure);
    this.stopsConsuming = this.random.chance(0.5);
  }

  writable(): void {
    this.alive('writable');
    if (!this.paused) throw new Error('writable() without a pause');
    this.paused = false;
    this.wakeups += 1;
    if (this.random.chance(0.5)) this.produce();
  }

  // --- what the test does --------------------------------------------------------

  /** Nothing is left for this side to send. */
  get producing(): boolean {
    return !this.exchange.closed && !this.endQueued;
  }

  /** Sends a piece of the body, or its end, or the head before it. */
  produce(): void {
    if (!this.producing || this.paused || !this.mayProduce()) return;
    const left = this.bodyBytes - this.sentBytes;
    if (left === 0) {
      this.endQueued = true;
      if (!this.exchange.pipe && this.random.chance(0.3)) {
        this.sentTrailers = ['X-Sum', 'x'.repeat(this.random.size(60_000))];
      }
      this.exchange.sendEnd(this.sentTrailers);
      return;
    }
    const length = Math.min(left, 1 + this.random.size(MAX_CHUNK - 1));
    const chunk = pattern(this.exchange.id, this.role, this.sentBytes, length);
    this.sentBytes += length;
    this.paused = !this.exchange.sendData(chunk);
    if (this.exchange.pendingBytes >= SEND_HIGH_WATER_BYTES + MAX_CHUNK) throw new Error('pending without bound');
  }

  consume(): void {
    if (this.heldBytes === 0 || this.stopsConsuming) return;
    const bytes = this.random.chance(0.7) ? this.heldBytes : this.random.between(1, this.heldBytes);
    this.heldBytes -= bytes;
    this.exchange.consumed(bytes);
  }

  reset(): void {
    if (this.exchange.closed) return;
    this.resetByMe = true;
    this.stopsConsuming = true;
    this.exchange.reset(this.role === 'gateway' ? ResetCode.cancelled : ResetCode.localFailed, 'by the test');
  }

  private mayProduce(): boolean {
    if (this.kind === ExchangeKind.tcp) return true;
    if (this.role === 'gateway') return this.kind === ExchangeKind.http || this.status === 101;
    if (this.headSent) return true;
    const exchange = this.exchange as IncomingTunnelExchange;
    if (this.random.chance(0.3)) {
      exchange.sendInformational({ status: 103, headers: ['Link', '</a>'] });
      return false;
    }
    const accepts = this.kind === ExchangeKind.upgrade && this.random.chance(0.8);
    this.headSent = true;
    const headers = ['X-Pad', 'p'.repeat(this.random.size(60_000))];
    exchange.sendHead({ status: accepts ? 101 : 200, reason: 'OK', headers });
    return this.random.chance(0.5);
  }

  private alive(call: string): void {
    if (this.resetByMe || this.failures.length > 0 || this.ended > (call === 'writable' ? 1 : 0)) {
      throw new Error(`${call}() on an exchange that was over`);
    }
  }
}
