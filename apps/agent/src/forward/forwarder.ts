import type { Socket } from 'node:net';
import type { AgentSettings } from '../agent-settings.js';
import { messageOf } from '@berth/errors';
import type { LimitedLog } from '@berth/observability';
import { type BodySink, ExchangeKind, type IncomingExchange, NO_SINK, ResetCode } from '@berth/exchange';
import { AddressedExchange } from './addressed-exchange.js';
import { Addressing } from './addressing.js';
import type { ForwardOwner } from './forward-owner.js';
import { H2Forward } from './h2/h2-forward.js';
import { H2Pool } from './h2/h2-pool.js';
import { H2WebSocket, whyNotOverH2 } from './h2/h2-web-socket.js';
import { HttpForward } from './http-forward.js';
import { localFailureOf } from './local-errors.js';
import { LocalFigures } from './local-figures.js';
import { LocalPool } from './local-pool.js';
import { connectLocal, type LocalTarget, parseTarget } from './local-target.js';
import { NodeForward } from './node-forward.js';
import { proxyHeader } from './proxy-header.js';
import { SocketTurn } from './socket-turn.js';
import { TcpForward } from './tcp-forward.js';

const nothing = (): void => undefined;

/** Takes exchanges to the local service. */
export class Forwarder implements ForwardOwner {
  readonly target: LocalTarget;
  /** what it uses of the local service, for figures */
  readonly pool: { readonly inUse: number; readonly queued: number };
  private readonly sockets: LocalPool;
  /** for a service of HTTP/2, and for no other */
  private readonly h2: H2Pool | undefined;
  /** undefined where the service sees the address that its clients use */
  private readonly addressing: Addressing | undefined;
  /** called when an exchange could not reach the local service */
  unreachable: () => void = nothing;

  /**
   * @param settings with `local.maxConnections` of at least 1
   * @param log takes lines about limits that were reached and about faults of the local service
   * @param figures counts its exchanges
   */
  constructor(
    private readonly settings: Pick<AgentSettings, 'target' | 'local'>,
    private readonly log: LimitedLog,
    readonly figures = new LocalFigures(),
  ) {
    this.target = parseTarget(settings.target, settings.local.tls);
    this.addressing = Addressing.of(this.target, settings.local);
    this.sockets = new LocalPool(this.target, settings.local, log);
    this.h2 = this.target.h2 ? new H2Pool(this.target, settings.local, log) : undefined;
    this.pool = this.h2 ?? this.sockets;
  }

  /** Begins an exchange and returns who takes its frames. Never throws: that would end the whole connection. */
  readonly forward = (exchange: IncomingExchange): BodySink => {
    this.figures.exchanges += 1;
    try {
      return this.begin(this.addressing === undefined ? exchange : new AddressedExchange(exchange, this.addressing));
    } catch (thrown) {
      exchange.reset(ResetCode.localFailed, messageOf(thrown));
      return NO_SINK;
    }
  };

  private begin(exchange: IncomingExchange): BodySink {
    const isRaw = exchange.openHead.kind === ExchangeKind.tcp;
    if (isRaw !== this.target.raw) {
      exchange.reset(
        ResetCode.unsupported,
        isRaw ? 'it is for HTTP, not for raw TCP' : 'it is for raw TCP, not for HTTP',
      );
      return NO_SINK;
    }
    if (isRaw) return this.asPipe(exchange);
    if (this.h2 !== undefined) return this.overH2(exchange, this.h2);
    if (exchange.openHead.kind === ExchangeKind.upgrade || !undiciCanSend(exchange)) {
      return this.onOwnSocket(exchange);
    }
    const forward = new HttpForward(exchange, this.sockets, this.target.host, this);
    forward.start();
    return forward;
  }

  onOwnSocket(exchange: IncomingExchange): BodySink {
    const { maxHeaderBytes, responseTimeoutMs } = this.settings.local;
    return this.inTurn(
      exchange,
      (connect) => new NodeForward(exchange, connect, maxHeaderBytes, responseTimeoutMs, this),
    );
  }

  fail(exchange: IncomingExchange, error: Error): void {
    if (exchange.closed) return;
    const { code, reason } = localFailureOf(error);
    if (code === ResetCode.localUnreachable) this.unreachable();
    // The reason is logged where the reset is sent, under the request's id.
    this.log.debug({ reason, error: error.message }, 'what the connection to the local service ended with');
    exchange.reset(code, reason);
  }

  private overH2(exchange: IncomingExchange, pool: H2Pool): BodySink {
    if (exchange.openHead.kind === ExchangeKind.upgrade) {
      const why = whyNotOverH2(exchange);
      if (why !== undefined) {
        exchange.reset(ResetCode.unsupported, why);
        return NO_SINK;
      }
      const socket = new H2WebSocket(exchange, pool, this.target.origin, this.settings.local.responseTimeoutMs, this);
      pool.acquire(socket);
      return socket;
    }
    const forward = new H2Forward(exchange, pool, this.target.origin, this.settings.local, this);
    forward.start();
    return forward;
  }

  private asPipe(exchange: IncomingExchange): BodySink {
    const { proxyProtocol } = this.settings.local;
    const preface = proxyProtocol === 'v2' ? proxyHeader(exchange.openHead.headers) : undefined;
    return this.inTurn(exchange, (connect) => new TcpForward(exchange, connect, preface, this));
  }

  private inTurn(exchange: IncomingExchange, begin: (connect: () => Socket) => BodySink): BodySink {
    const turn = new SocketTurn(exchange, this.sockets, () => connectLocal(this.target), begin);
    if (this.sockets.acquire(turn)) turn.run();
    return turn.sink;
  }

  async close(): Promise<void> {
    this.h2?.close();
    await this.sockets.close();
  }
}

/** Decided by the head alone; see the facts in docs/data-path.md. */
function undiciCanSend({ openHead: { target, headers } }: IncomingExchange): boolean {
  if (!target.startsWith('/') && !/^https?:\/\//.test(target)) return false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    // 6: Expect, 7: Trailer
    if (name.length === 6 && name.toLowerCase() === 'expect') return false;
    if (name.length === 7 && name.toLowerCase() === 'trailer') return false;
  }
  return true;
}
