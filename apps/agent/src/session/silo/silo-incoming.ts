import { headerValue } from '@berth/http-rules';
import {
  type BodySink,
  ByteQueue,
  type IncomingExchange,
  NO_SINK,
  type OpenHead,
  ResetCode,
  type ResponseHead,
} from '@berth/exchange';
import {
  type ByteBudget,
  encodeProxyHead,
  joinPayload,
  MAX_SILO_MESSAGE_BYTES,
  PAYLOAD_KEY_BYTES,
  ProxyType,
  siloResponse,
} from '@berth/tunnel-protocol';

/** What a request needs of its connection. */
export interface SiloOwner {
  /** bytes of requests whose answers are not complete */
  readonly requests: ByteBudget;
  /** bytes of answers that are here, or were given to the network and not taken by it */
  readonly answers: ByteBudget;
  /** Hands an answer over. */
  send(message: Buffer): void;
  /** The exchange is over, and its answer handed over. */
  forget(exchange: SiloIncoming): void;
  resetSent(exchange: SiloIncoming, code: ResetCode, reason: string): void;
  /** an answer had several Set-Cookie, of which the wire takes one */
  cookiesLost(): void;
}

/** One REQUEST with its answer, which is collected and leaves as one message. */
export class SiloIncoming implements IncomingExchange {
  readonly pipe = false;
  closed = false;
  sendEnded = false;
  /** nobody until the forwarder has begun */
  sink: BodySink = NO_SINK;
  private metadata: string[] = [];
  private room = 0;
  private readonly body = new ByteQueue();
  private bodyBytes = 0;

  /**
   * @param wireId of the REQUEST
   * @param requestBytes that it holds of the budget
   */
  constructor(
    readonly id: number,
    readonly wireId: string,
    readonly openHead: OpenHead,
    private readonly owner: SiloOwner,
    private readonly requestBytes: number,
  ) {}

  sendHead(head: ResponseHead): void {
    if (this.closed) return;
    const { metadata, lostCookies } = siloResponse(head);
    if (lostCookies > 0) this.owner.cookiesLost();
    this.metadata = metadata;
    const length = headerValue(head.headers, 'content-length');
    if (this.openHead.method === 'HEAD' && length !== undefined) metadata.push(LENGTH, length);
    this.room = MAX_SILO_MESSAGE_BYTES - PAYLOAD_KEY_BYTES - LENGTH_BYTES - this.encodeHead().length;
    if (this.room < 0) this.giveUp(ResetCode.localFailed, 'the headers of the answer are larger than a message');
  }

  /** `closed`, asked for again after a call that may have changed it. */
  get isOver(): boolean {
    return this.closed;
  }

  sendInformational(): void {
    // This wire has one answer.
  }

  /** @returns true always: what is too much fails the exchange */
  sendData(bytes: Buffer): boolean {
    if (this.closed) return true;
    if (this.bodyBytes + bytes.length > this.room) {
      this.giveUp(
        ResetCode.localFailed,
        `the answer is larger than ${this.room} bytes, which the protocol of silo-proxy takes`,
      );
    } else if (this.owner.answers.take(bytes.length)) {
      this.bodyBytes += bytes.length;
      this.body.push(bytes);
    } else this.giveUp(ResetCode.localBusy, 'answers fill silo.maxBufferedBytes');
    return true;
  }

  sendEnd(): void {
    if (this.closed) return;
    this.sendEnded = true;
    const pieces: Buffer[] = [];
    for (let piece = this.body.shift(); piece !== undefined; piece = this.body.shift()) pieces.push(piece);
    const { bodyBytes: bytes } = this;
    if (this.openHead.method !== 'HEAD') this.metadata.push(LENGTH, String(bytes));
    this.end(joinPayload(this.encodeHead(), pieces, bytes));
  }

  reset(code: ResetCode, message = ''): void {
    if (this.closed) return;
    this.owner.resetSent(this, code, message);
    this.end(failureMessage(this.wireId, code, message));
  }

  /** The other side will not wait any longer, or this one cannot go on: tells the local side as well. */
  giveUp(code: ResetCode, message: string): void {
    if (this.closed) return;
    this.reset(code, message);
    this.sink.failed({ code, message });
  }

  /** The connection is gone: nobody is there to be answered. */
  lost(): void {
    if (this.closed) return;
    this.end();
    this.sink.failed({ code: 'connection-lost', message: 'the connection has ended' });
  }

  consumed(): void {
    // There is no credit: the request is here.
  }

  discard(): void {
    // Nothing is held for the local side.
  }

  private encodeHead(): Buffer {
    return encodeProxyHead(this.wireId, ProxyType.response, this.metadata);
  }

  private end(message?: Buffer): void {
    const { owner } = this;
    this.closed = true;
    this.body.clear();
    owner.requests.give(this.requestBytes);
    owner.answers.give(this.bodyBytes);
    if (message !== undefined) owner.send(message);
    owner.forget(this);
  }
}

/** A failure as the wire has it: a status, and what went wrong as text. */
export function failureMessage(wireId: string, code: ResetCode, reason: string): Buffer {
  const text = reason === '' ? 'the agent got no answer from its local service' : reason;
  const payload = Buffer.from(text);
  const head = encodeProxyHead(wireId, ProxyType.response, [
    'status_code',
    String(STATUS[code] ?? 502),
    'error',
    text,
    'header_Content-Type',
    'text/plain; charset=utf-8',
  ]);
  return joinPayload(head, [payload], payload.length);
}

const STATUS: Partial<Record<ResetCode, number>> = {
  [ResetCode.refused]: 503,
  [ResetCode.localBusy]: 503,
  [ResetCode.timeout]: 504,
  [ResetCode.localTimeout]: 504,
};

const LENGTH = 'header_Content-Length';
/** What the entry with the length adds to a head, bytes at the most. */
const LENGTH_BYTES = 40;
