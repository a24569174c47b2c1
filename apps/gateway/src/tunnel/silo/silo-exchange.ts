import { BerthError } from '@berth/errors';
import {
  ByteQueue,
  type Carrier,
  type ExchangeFailure,
  type OpenedExchange,
  type OpenHead,
  ResetCode,
  type ResponseSink,
} from '@berth/exchange';
import {
  type ByteBudget,
  joinPayload,
  metadataValue,
  type ProxyMessage,
  readSiloResponse,
} from '@berth/tunnel-protocol';

/** What an exchange needs of its connection. */
export interface SiloCarrier extends Carrier {
  readonly agentId: string;
  /** bytes of requests that are here, or were given to the network and not taken by it */
  readonly requests: ByteBudget;
  /** Hands a whole request over, and gives its bytes back to the budget when they have left. */
  send(message: Buffer): void;
  /** It is over: what comes under its id is nobody's. */
  forget(exchange: SiloExchange): void;
  /** Bytes of answers came (above 0), or were taken by their clients. */
  holding(bytes: number): void;
}

/** One request of the original wire: its body is collected, and its answer comes as one message. */
export class SiloExchange implements OpenedExchange {
  readonly pipe = false;
  readonly informationalCount = 0;
  readonly openedAt = performance.now();
  headReceived = false;
  sendEnded = false;
  closed = false;
  private readonly body = new ByteQueue();
  private bodyBytes = 0;
  /** bytes of the answer */
  private held = 0;
  /** of them, taken by the client */
  private taken = 0;

  /**
   * @param wireId UUID of the REQUEST
   * @param head the REQUEST without its payload
   * @param room for its payload, bytes
   * @param reserved bytes of the connection's budget that it has
   */
  constructor(
    readonly connection: SiloCarrier,
    readonly id: number,
    readonly wireId: string,
    readonly openHead: OpenHead,
    private readonly sink: ResponseSink,
    private readonly head: Buffer,
    private readonly room: number,
    private reserved: number,
  ) {}

  /** What is collected of the body: it goes out in one piece. */
  get pendingBytes(): number {
    return this.sendEnded ? 0 : this.bodyBytes;
  }

  /** @returns true always: what is too much fails the exchange, since nothing is sent before all of it is here */
  sendData(bytes: Buffer): boolean {
    if (this.closed || this.sendEnded) return true;
    this.bodyBytes += bytes.length;
    if (this.bodyBytes > this.room) {
      this.refuse(tooLarge(this.connection.agentId, this.room));
      return true;
    }
    const missing = this.head.length + this.bodyBytes - this.reserved;
    if (missing > 0) {
      if (!this.connection.requests.take(missing)) {
        this.refuse(busy(this.connection));
        return true;
      }
      this.reserved += missing;
    }
    this.body.push(bytes);
    return true;
  }

  sendEnd(): void {
    if (this.closed || this.sendEnded) return;
    this.sendEnded = true;
    const pieces: Buffer[] = [];
    for (let piece = this.body.shift(); piece !== undefined; piece = this.body.shift()) pieces.push(piece);
    // Whoever sent less than announced has the rest of its reservation back.
    const message = joinPayload(this.head, pieces, this.bodyBytes);
    const { requests } = this.connection;
    requests.give(this.reserved);
    requests.force(message.length);
    this.reserved = 0;
    this.connection.send(message);
  }

  reset(): void {
    if (!this.closed) this.end();
    this.discard();
  }

  /** The last piece keeps the whole answer in memory: it counts until then. */
  consumed(bytes: number): void {
    this.taken += bytes;
    if (this.taken >= this.held) this.discard();
  }

  discard(): void {
    const { held } = this;
    this.held = 0;
    if (held > 0) this.connection.holding(-held);
  }

  /** The agent's RESPONSE. */
  take(message: ProxyMessage): void {
    const error = metadataValue(message.metadata, 'error');
    if (error !== undefined) {
      this.fail({ code: ResetCode.localFailed, message: error.slice(0, MAX_REASON_CHARS) });
      return;
    }
    const head = readSiloResponse(message, this.openHead.method);
    if (typeof head === 'string') {
      this.fail({ code: ResetCode.internal, message: head });
      return;
    }
    const { sink } = this;
    const { payload } = message;
    this.headReceived = true;
    this.held = payload.length;
    this.connection.holding(payload.length);
    sink.head(head);
    // Each of these calls may have ended the exchange.
    if (this.isOver()) return;
    for (let at = 0; at < payload.length; at += PIECE_BYTES) {
      sink.data(payload.subarray(at, at + PIECE_BYTES));
      if (this.isOver()) return;
    }
    this.end();
    sink.end(undefined);
  }

  /** Ends it with a failure of the agent's side. */
  fail(failure: ExchangeFailure): void {
    if (this.closed) return;
    this.end();
    this.sink.failed(failure);
  }

  /** Nothing of it was sent. */
  private refuse(error: BerthError): void {
    this.fail({ code: ResetCode.refused, message: error.message, error });
  }

  /** A 100 for a client that waits for one: the agent's service is asked when the whole body is here. */
  invite(): void {
    if (!this.closed && this.bodyBytes === 0) this.sink.informational({ status: 100, headers: [] });
  }

  private isOver(): boolean {
    return this.closed;
  }

  private end(): void {
    this.closed = true;
    this.body.clear();
    this.connection.requests.give(this.reserved);
    this.reserved = 0;
    this.connection.forget(this);
  }
}

/** A sink holds a client to what it has taken piece by piece; of a whole answer it could not. */
const PIECE_BYTES = 65_536;

/** Of what an agent said, in a log line. */
const MAX_REASON_CHARS = 256;

/** @param room bytes that a body may have */
export function tooLarge(agentId: string, room: number): BerthError {
  const what = `its protocol takes ${room} bytes of body with these headers (docs/compatibility.md)`;
  return new BerthError('BERTH_BODY_TOO_LARGE', `agent ${agentId} cannot take this body: ${what}`);
}

export function busy({ agentId, requests }: Pick<SiloCarrier, 'agentId' | 'requests'>): BerthError {
  const what = `has requests of ${requests.used} bytes under way (tunnel.silo.maxBufferedBytes)`;
  return new BerthError('BERTH_AGENT_BUSY', `agent ${agentId} ${what}`);
}
