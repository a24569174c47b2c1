import type { ClientHttp2Stream } from 'node:http2';
import { messageOf } from '@berth/errors';
import { type BodySink, BytePipe, type IncomingExchange, ResetCode } from '@berth/exchange';
import { headerValue, relayHead, upgradeProtocols, webSocketAccept } from '@berth/http-rules';
import type { ForwardOwner } from '../forward-owner.js';
import { ALL_STREAMS_IN_USE, type H2Pool, type StreamUser } from './h2-pool.js';
import { coded, H2_CANCEL } from './h2-codes.js';
import { fieldsOf, h2WebSocketHead } from './h2-request-head.js';
import type { LocalSession } from './h2-session.js';
import { streamFault } from './h2-stream.js';
import { endOnlyTruly } from './true-end.js';

const NOTHING = Buffer.alloc(0);

/** Why an upgrade cannot be carried over HTTP/2; undefined: it can, if the service takes WebSockets. */
export function whyNotOverH2({ openHead: { headers } }: IncomingExchange): string | undefined {
  const isWebSocket = upgradeProtocols(headers).includes('websocket');
  return isWebSocket && headerValue(headers, 'sec-websocket-key') !== undefined
    ? undefined
    : 'its service is of HTTP/2, which knows no upgrade but that to WebSocket';
}

/** One WebSocket of a client of HTTP/1.1, as a stream of HTTP/2 to the local service (RFC 8441). */
export class H2WebSocket implements BodySink, StreamUser {
  private session: LocalSession | undefined;
  private stream: ClientHttp2Stream | undefined;
  private pipe: BytePipe | undefined;
  private error: Error | undefined;
  private beganAt = 0;
  private hasEnded = false;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param origin of the target
   * @param responseTimeoutMs for the service's answer; 0: none
   */
  constructor(
    private readonly exchange: IncomingExchange,
    private readonly pool: H2Pool,
    private readonly origin: string,
    private readonly responseTimeoutMs: number,
    private readonly owner: Pick<ForwardOwner, 'figures' | 'fail'>,
  ) {}

  run(session: LocalSession): void {
    const { exchange, owner } = this;
    if (!session.takesWebSockets) {
      exchange.reset(
        ResetCode.unsupported,
        'its HTTP/2 service takes no WebSockets (RFC 8441): give it a target http:// or https:// if it has one',
      );
      return;
    }
    this.session = session;
    this.beganAt = owner.figures.begin();
    try {
      const stream = session.begin(h2WebSocketHead(exchange.openHead, this.origin), true);
      this.stream = stream;
      endOnlyTruly(stream);
      stream
        .on('response', (_parsed, _flags, raw: string[]) => {
          this.onResponse(stream, raw, session.settings.maxHeaderBytes);
        })
        .on('error', (error: Error) => {
          this.error = error;
        })
        .on('close', () => {
          clearTimeout(this.timer);
          if (!exchange.closed && this.pipe?.ended !== true)
            owner.fail(exchange, streamFault(session, stream, this.error));
        });
      if (this.responseTimeoutMs > 0) {
        this.timer = setTimeout(() => {
          owner.fail(exchange, coded('UND_ERR_HEADERS_TIMEOUT', 'no answer in time (local.responseTimeoutMs)'));
          this.cancel();
        }, this.responseTimeoutMs);
      }
    } catch (thrown) {
      owner.fail(exchange, thrown as Error);
    }
  }

  refused(): void {
    this.exchange.reset(ResetCode.localBusy, ALL_STREAMS_IN_USE);
  }

  unreachable(error: Error): void {
    this.owner.fail(this.exchange, error);
  }

  data(bytes: Buffer): void {
    // Nothing comes before the 101 (docs/protocol.md).
    this.pipe?.data(bytes);
  }

  end(): void {
    this.hasEnded = true;
    this.pipe?.end();
  }

  failed(): void {
    this.pool.abandon(this);
    this.cancel();
    this.exchange.discard();
  }

  writable(): void {
    this.pipe?.writable();
  }

  private cancel(): void {
    const { session, stream } = this;
    if (stream === undefined || stream.destroyed) return;
    session?.cancelling(stream);
    stream.close(H2_CANCEL);
    stream.destroy();
  }

  private onResponse(stream: ClientHttp2Stream, raw: string[], maxHeaderBytes: number): void {
    const { exchange, owner } = this;
    if (exchange.closed) return;
    clearTimeout(this.timer);
    owner.figures.answer(this.beganAt);
    const status = Number(raw[1]);
    const isOpen = status >= 200 && status < 300;
    try {
      const { headers } = relayHead(fieldsOf(raw, maxHeaderBytes), false);
      if (isOpen) {
        headers.push('Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Accept', this.accept());
        exchange.sendHead({ status: 101, reason: 'Switching Protocols', headers });
      } else exchange.sendHead({ status, reason: '', headers });
    } catch (thrown) {
      exchange.reset(ResetCode.localFailed, messageOf(thrown));
      this.cancel();
      return;
    }
    this.pipe = new BytePipe(stream, exchange);
    this.pipe.begin(NOTHING);
    // Of a refusal only the answer is of interest.
    if (!isOpen) stream.end();
    else if (this.hasEnded) this.pipe.end();
  }

  /** What the client's key asks for (RFC 6455 section 4.2.2); over HTTP/2 there is neither key nor answer. */
  private accept(): string {
    return webSocketAccept(headerValue(this.exchange.openHead.headers, 'sec-websocket-key') ?? '');
  }
}
