import type { FrameHandler } from './batch-decoder.js';
import { isWasteful, ownCopy } from './batch-memory.js';
import { type ConnectionFrames, violation } from './connection-frames.js';
import { type ExchangeSession, IncomingTunnelExchange, OpenedTunnelExchange, type TunnelExchange } from './exchange.js';
import {
  ExchangeKind,
  type FlatHeaders,
  type InterimHead,
  type OpenHead,
  ResetCode,
  type ResponseHead,
} from '@berth/exchange';
import { MAX_DATA_BYTES, MAX_EXCHANGE_ID, MAX_INFORMATIONAL, MAX_INFORMATIONAL_BYTES } from './frames.js';
import type { LiveExchanges } from './live-exchanges.js';
import type { SessionEvents, SessionOptions } from './session-types.js';

const MAX_RESET_MESSAGE_CHARS = 256;

/**
 * Judges the frames of the peer by the state of their exchanges, and hands them
 * to the sinks. See the state table in docs/protocol.md.
 *
 * All methods throw `BERTH_PROTOCOL_ERROR` for a frame that must not come.
 */
export class ExchangeFrames implements FrameHandler {
  constructor(
    private readonly options: SessionOptions,
    private readonly events: SessionEvents,
    private readonly exchanges: LiveExchanges,
    private readonly session: ExchangeSession,
    private readonly connectionFrames: ConnectionFrames,
  ) {}

  onOpen(id: number, head: OpenHead): void {
    const { exchanges, events } = this;
    const { maxExchanges } = this.options;
    if (events.opened === undefined) throw violation('the agent sent Open');
    if (exchanges.peer === undefined) throw violation('Open before Welcome');
    if (id <= exchanges.lastId || id > MAX_EXCHANGE_ID) throw violation(`Open reuses exchange ${id}`);
    // Closed by an earlier frame of this very batch.
    if (exchanges.failure !== undefined) return;
    const exchange = new IncomingTunnelExchange(id, head, this.session, exchanges.startCredit, exchanges.newWindow());
    exchange.receiveEnded = !head.body;
    exchanges.add(exchange);
    if (exchanges.size === maxExchanges) events.full?.();
    if (exchanges.size > maxExchanges) {
      exchange.reset(ResetCode.refused, `more than ${maxExchanges} exchanges at once`);
      return;
    }
    if (head.kind > ExchangeKind.tcp) {
      exchange.reset(ResetCode.unsupported, `unknown kind ${head.kind}`);
      return;
    }
    try {
      exchange.sink = events.opened(exchange);
    } catch (thrown) {
      exchanges.forget(exchange, true);
      throw thrown;
    }
    this.failIfClosed(exchange);
  }

  onHead(id: number, head: ResponseHead): void {
    const exchange = this.fromAgent(id, 'Head');
    if (exchange === undefined) return;
    if (exchange.headReceived || exchange.openHead.kind === ExchangeKind.tcp) {
      throw violation(`unexpected Head on exchange ${id}`);
    }
    const { status } = head;
    const accepted = status === 101 && exchange.openHead.kind === ExchangeKind.upgrade;
    if (!accepted && (status < 200 || status > 999)) throw violation(`Head with status ${status} on exchange ${id}`);
    exchange.headReceived = true;
    exchange.pipe = accepted;
    try {
      exchange.sink.head(head);
    } catch (thrown) {
      this.exchanges.sinkFailed(exchange, thrown);
    }
  }

  onInformational(id: number, head: InterimHead, size: number): void {
    const exchange = this.fromAgent(id, 'Informational');
    if (exchange === undefined) return;
    if (exchange.headReceived || exchange.pipe) throw violation(`unexpected Informational on exchange ${id}`);
    if (head.status < 100 || head.status > 199 || head.status === 101) {
      throw violation(`Informational with status ${head.status} on exchange ${id}`);
    }
    if (++exchange.informationalCount > MAX_INFORMATIONAL) {
      throw violation(`more than ${MAX_INFORMATIONAL} interim responses on exchange ${id}`);
    }
    if (exchange.informationalBytes + size > MAX_INFORMATIONAL_BYTES) {
      throw violation(`more than ${MAX_INFORMATIONAL_BYTES} bytes of interim responses on exchange ${id}`);
    }
    // Without headers it takes nothing, and a client may wait for it.
    if (!this.exchanges.takeInformational(exchange, size) && head.headers.length > 0) return;
    try {
      exchange.sink.informational(head);
    } catch (thrown) {
      this.exchanges.sinkFailed(exchange, thrown);
    }
  }

  onData(id: number, bytes: Buffer, batch: Buffer): void {
    const exchange = this.known(id);
    if (exchange === undefined || bytes.length === 0) return;
    this.expectBody(exchange, 'Data');
    if (bytes.length > MAX_DATA_BYTES) throw violation(`Data of ${bytes.length} bytes on exchange ${id}`);
    if (!exchange.window.receive(bytes.length, this.session)) throw violation(`Data without credit on exchange ${id}`);
    try {
      const waits = exchange.window.heldBytes > bytes.length;
      exchange.sink.data(isWasteful(batch, id, bytes, waits) ? ownCopy(bytes) : bytes);
    } catch (thrown) {
      this.exchanges.sinkFailed(exchange, thrown);
    }
  }

  onEnd(id: number, trailers: FlatHeaders | undefined): void {
    const exchange = this.known(id);
    if (exchange === undefined) return;
    this.expectBody(exchange, 'End');
    exchange.receiveEnded = true;
    exchange.window.close();
    if (exchange.sendEnded) {
      this.exchanges.forgetEnded(exchange);
    } else if (exchange.overAtEnd) {
      this.exchanges.forget(exchange, false);
      this.session.sendReset(exchange, ResetCode.done, '');
    }
    try {
      exchange.sink.end(trailers);
    } catch (thrown) {
      this.exchanges.sinkFailed(exchange, thrown);
    }
  }

  onReset(id: number, code: ResetCode, message: string): void {
    const exchange = this.known(id);
    if (exchange === undefined) return;
    const known = code <= ResetCode.localBusy ? code : ResetCode.unspecified;
    this.exchanges.fail(exchange, { code: known, message: message.slice(0, MAX_RESET_MESSAGE_CHARS) });
  }

  onCredit(id: number, bytes: number): void {
    const exchange = this.known(id);
    if (exchange === undefined) return;
    exchange.sendCredit += bytes;
    if (exchange.sendCredit > 0x7fffffff) throw violation(`credit beyond 2 GiB on exchange ${id}`);
    if (exchange.pendingBytes > 0) this.session.enqueue(exchange);
    this.session.credited(exchange);
    try {
      exchange.sink.progressed?.();
    } catch (thrown) {
      this.exchanges.sinkFailed(exchange, thrown);
    }
  }

  onCreditReturn(id: number, bytes: number): void {
    const exchange = this.known(id);
    if (exchange === undefined) return;
    this.expectBody(exchange, 'CreditReturn');
    if (!exchange.window.returned(bytes)) throw violation(`CreditReturn of ${bytes} bytes on exchange ${id}`);
  }

  onHold(id: number, held: boolean): void {
    const exchange = this.known(id);
    if (exchange === undefined) return;
    if (this.options.role !== 'gateway') throw violation(`the gateway sent ${held ? 'Pause' : 'Resume'}`);
    if (exchange.held === held) return;
    exchange.held = held;
    this.events.held?.(held);
    if (!held) this.session.enqueue(exchange);
  }

  onConnectionFrame(field: number, body: Buffer): void {
    if (this.exchanges.failure === undefined) this.connectionFrames.take(field, body);
  }

  // ---------------------------------------------------------------------------

  /** The live exchange; undefined for one that ended here while the frame was under way. */
  private known(id: number): TunnelExchange | undefined {
    const exchange = this.exchanges.get(id);
    if (exchange === undefined && id > this.exchanges.lastId)
      throw violation(`frame for exchange ${id}, which was never opened`);
    return exchange;
  }

  private fromAgent(id: number, frame: string): OpenedTunnelExchange | undefined {
    const exchange = this.known(id);
    if (exchange === undefined || exchange instanceof OpenedTunnelExchange) return exchange;
    throw violation(`the gateway sent ${frame}`);
  }

  private expectBody(exchange: TunnelExchange, frame: string): void {
    if (exchange.receiveEnded) throw violation(`${frame} after End on exchange ${exchange.id}`);
    if (exchange.awaitsHead) throw violation(`${frame} before Head on exchange ${exchange.id}`);
  }

  /** The session closed while an exchange was being opened: nobody has told its sink. */
  private failIfClosed(exchange: TunnelExchange): void {
    const { failure } = this.exchanges;
    if (failure !== undefined && !exchange.closed) this.exchanges.fail(exchange, failure);
  }
}
