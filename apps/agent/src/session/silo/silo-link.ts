import { randomBytes, randomUUID } from 'node:crypto';
import {
  type ChannelCredentials,
  type ClientDuplexStream,
  status as grpcStatus,
  type StatusObject,
} from '@grpc/grpc-js';
import { BerthError, messageOf } from '@berth/errors';
import { ResetCode } from '@berth/exchange';
import { relayHead } from '@berth/http-rules';
import type { Log } from '@berth/observability';
import {
  ByteBudget,
  clientTransport,
  decodeProxyMessage,
  encodeProxyHead,
  type GatedReading,
  gateReading,
  MAX_SILO_MESSAGE_BYTES,
  type ProxyMessage,
  ProxyType,
  readSiloRequest,
  receiveFromServer,
  SILO_METHOD_PATH,
} from '@berth/tunnel-protocol';
import { dial, type Dialled } from '../dial.js';
import type { Link, LinkEvents, LinkSettings } from '../link.js';
import { endOfCall } from '../outage.js';
import { failureMessage, SiloIncoming, type SiloOwner } from './silo-incoming.js';

/** As the original agent has it, ms. */
export interface SiloTimes {
  pingIntervalMs: number;
  /** for the PONG */
  pongTimeoutMs: number;
  /** after which the original server has given a request up */
  answerTimeoutMs: number;
}

const TIMES: SiloTimes = { pingIntervalMs: 30_000, pongTimeoutMs: 10_000, answerTimeoutMs: 30_000 };

/** One connection to a server that speaks the wire of silo-proxy (docs/compatibility.md). */
export class SiloLink implements Link, SiloOwner {
  readonly signals = undefined;
  readonly takesServices = false;
  readonly requests: ByteBudget;
  readonly answers: ByteBudget;
  private readonly dialled: Dialled;
  private readonly call: ClientDuplexStream<Buffer, Buffer>;
  private readonly transport;
  private readonly reading: GatedReading;
  private readonly connectionId = randomBytes(6).toString('hex');
  private readonly exchanges = new Map<SiloIncoming, NodeJS.Timeout>();
  private lastId = 0;
  private unsent = 0;
  private welcomedAt: number | undefined;
  private ended = false;
  private draining = false;
  private sawCookiesLost = false;
  /** until the next PING, or the PONG for the last one */
  private timer: NodeJS.Timeout;
  private leaveTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly settings: LinkSettings,
    channel: ChannelCredentials,
    private readonly events: LinkEvents,
    private readonly log: Log,
    private readonly times = TIMES,
  ) {
    const { silo, tunnel, id } = settings;
    this.requests = new ByteBudget(silo.maxBufferedBytes);
    this.answers = new ByteBudget(silo.maxBufferedBytes);
    this.dialled = dial(settings, channel, {
      path: SILO_METHOD_PATH,
      maxReceivedBytes: silo.maxBufferedBytes,
      maxSentBytes: MAX_SILO_MESSAGE_BYTES,
      keepsAlive: false,
    });
    this.call = this.dialled.call;
    this.transport = clientTransport(this.call);
    this.reading = gateReading(this.call);
    receiveFromServer(this.call, this, (status) => {
      this.onStatus(status);
    });
    this.timer = setTimeout(() => {
      const who = this.dialled.stuckAt('no answer') ?? 'the server did not answer';
      const what = `${who} within ${tunnel.handshakeTimeoutMs} ms (tunnel.handshakeTimeoutMs)`;
      this.end(new BerthError('BERTH_HANDSHAKE_TIMEOUT', what));
    }, tunnel.handshakeTimeoutMs);
    this.give(encodeProxyHead(randomUUID(), ProxyType.ping, ['agent_id', id]));
  }

  offer(): void {
    // Its one local service has no name there.
  }

  get gateway(): string {
    return this.settings.gateway;
  }

  get registered(): boolean {
    return this.welcomedAt !== undefined && !this.ended && !this.draining;
  }

  get inFlight(): number {
    return this.exchanges.size;
  }

  /** The wire has no word for it: it ends in the first moment without a request, and until then takes what comes. */
  leave(deadlineMs: number): void {
    if (this.ended) return;
    this.draining = true;
    clearTimeout(this.leaveTimer);
    this.leaveTimer = setTimeout(() => {
      this.close();
    }, deadlineMs);
    this.closeWhenIdle();
  }

  close(reason = new BerthError('BERTH_CONNECTION_CLOSED', 'the agent ended the connection')): void {
    this.end(reason);
  }

  // --- what its exchanges do -------------------------------------------------

  send(message: Buffer): void {
    this.answers.force(message.length);
    this.regulate();
    this.give(message, () => {
      this.answers.give(message.length);
      this.regulate();
    });
  }

  forget(exchange: SiloIncoming): void {
    clearTimeout(this.exchanges.get(exchange));
    this.exchanges.delete(exchange);
    this.regulate();
    this.closeWhenIdle();
  }

  resetSent(exchange: SiloIncoming, code: ResetCode, reason: string): void {
    this.events.resetSent(this.connectionId, exchange, code, reason);
  }

  cookiesLost(): void {
    if (this.sawCookiesLost) return;
    this.sawCookiesLost = true;
    this.log.warn(
      {},
      'the local service sets several cookies in one answer: the protocol of silo-proxy takes one of them',
    );
  }

  // --- what the server sends -------------------------------------------------

  receive(bytes: Buffer): void {
    if (this.ended) return;
    let message: ProxyMessage;
    try {
      message = decodeProxyMessage(bytes);
    } catch (thrown) {
      this.end(BerthError.from(thrown));
      return;
    }
    if (message.type === ProxyType.pong) this.onPong();
    else if (message.type === ProxyType.request) this.onRequest(message, bytes.length);
    else this.log.debug({ type: message.type }, 'a message of a kind that has no place here');
  }

  private onPong(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.ping();
    }, this.times.pingIntervalMs);
    if (this.welcomedAt !== undefined) return;
    this.welcomedAt = performance.now();
    this.events.welcome(this, { connectionId: this.connectionId, port: 0, host: '', scheme: '', ports: [] });
  }

  private ping(): void {
    this.give(encodeProxyHead(randomUUID(), ProxyType.ping));
    this.timer = setTimeout(() => {
      // While nothing is read for want of room, a PONG is not missed.
      if (this.isFull) this.onPong();
      else this.end(new BerthError('BERTH_CONNECTION_SILENT', `no PONG within ${this.times.pongTimeoutMs} ms`));
    }, this.times.pongTimeoutMs);
  }

  private onRequest(message: ProxyMessage, bytes: number): void {
    const { settings, events } = this;
    const { id: wireId, payload } = message;
    const head = readSiloRequest(message);
    if (typeof head === 'string') {
      this.send(failureMessage(wireId, ResetCode.internal, head));
      return;
    }
    if (this.inFlight >= settings.tunnel.maxExchanges) {
      this.send(
        failureMessage(wireId, ResetCode.refused, 'the agent has as many requests as it takes (tunnel.maxExchanges)'),
      );
      return;
    }
    this.requests.force(bytes);
    this.regulate();
    this.lastId += 1;
    const exchange = new SiloIncoming(this.lastId, wireId, head, this, bytes);
    const { answerTimeoutMs } = this.times;
    const timer = setTimeout(() => {
      exchange.giveUp(ResetCode.timeout, `no whole answer within ${answerTimeoutMs} ms`);
    }, answerTimeoutMs);
    this.exchanges.set(exchange, timer);
    if (this.inFlight === settings.tunnel.maxExchanges) events.full();
    try {
      // `Connection` and what it names end here: the original server passes all of it on.
      head.headers = relayHead(head.headers, false).headers;
      exchange.sink = events.accept(exchange);
      if (payload.length > 0 && !exchange.isOver) exchange.sink.data(payload);
      if (!exchange.isOver) exchange.sink.end(undefined);
    } catch (thrown) {
      exchange.reset(ResetCode.internal, messageOf(thrown));
    }
  }

  // ---------------------------------------------------------------------------

  private give(message: Buffer, sent: () => void = nothing): void {
    this.unsent += 1;
    this.transport.send(message, () => {
      this.unsent -= 1;
      sent();
      this.closeWhenIdle();
    });
  }

  private get isFull(): boolean {
    return this.requests.spent || this.answers.spent;
  }

  /** Reads on as long as there is room for what comes. */
  private regulate(): void {
    if (this.isFull) this.reading.pause();
    else this.reading.resume();
  }

  private closeWhenIdle(): void {
    if (!this.draining || this.exchanges.size > 0 || this.unsent > 0) return;
    this.close();
  }

  private onStatus(status: StatusObject): void {
    this.log.debug({ status: grpcStatus[status.code], details: status.details }, 'how gRPC ended the call');
    const { reason, isFinal } = endOfCall(status, this.settings, this.dialled.stuckAt(status.details));
    this.end(reason, isFinal);
  }

  private end(reason: BerthError, isFinal = false): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.timer);
    clearTimeout(this.leaveTimer);
    for (const exchange of [...this.exchanges.keys()]) exchange.lost();
    this.transport.close();
    this.dialled.release();
    const { welcomedAt } = this;
    const livedMs = welcomedAt === undefined ? 0 : performance.now() - welcomedAt;
    this.log.debug({ code: reason.code, reason: reason.message, livedMs: Math.round(livedMs) }, 'connection ended');
    const refused = welcomedAt === undefined && reason.code !== 'BERTH_CONNECTION_CLOSED';
    this.events.ended(this, { final: isFinal && welcomedAt === undefined, refused, reason, livedMs });
  }
}

function nothing(): void {
  // Nobody waits for it.
}
