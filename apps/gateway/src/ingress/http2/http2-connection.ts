import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { BerthError } from '@berth/errors';
import { ExchangeKind, type OpenHead } from '@berth/exchange';
import { newRequestId, peerAddress } from '@berth/http-server-pool';
import type { ClientConnection } from '../http/client-connection.js';
import type { IngressContext } from '../http/ingress-context.js';
import { Allowance } from './allowance.js';
import { errorHead } from '../http/error-responses.js';
import { headTooLarge } from '../http/request-head.js';
import { isGrpc, sendHttp2Error } from './error-answer.js';
import type { FloodWatch, Watched } from './flood-watch.js';
import { Http2Relay } from './http2-relay.js';
import { type Http2Client, readHttp2Head } from './request-head.js';
import { Http2Upload } from './request-upload.js';
import { type RequestFields, requestFields } from './request-fields.js';
import { resetOnceSent } from './reset-once-sent.js';
import { CONNECTION_WINDOW_BYTES, type Http2Options, sessionOptions } from './session-options.js';
import type { StreamRelay } from './stream-relay.js';
import { type BodyTraffic, TrafficCount } from './traffic-count.js';
import { LARGE_WINDOW_BYTES, type UploadBudget, UploadWindow } from './upload-window.js';
import { asUpgrade, WebSocketRelay } from './websocket-relay.js';

const RELAY = Symbol('relay');
type RelayedStream = ServerHttp2Stream & { [RELAY]?: StreamRelay };

/** For the last words of a connection to leave, ms. */
const LAST_WORDS_MS = 2000;

/** What a connection tells the port that it belongs to. */
export interface ConnectionOwner {
  readonly floods: FloodWatch;
  readonly uploads: UploadBudget;
  readonly context: IngressContext;
  readonly http2: Http2Options;
  closed(connection: Http2Connection): void;
}

/** One client's connection: its HTTP/2 session, as long as it behaves. Each stream becomes an exchange of its own. */
export class Http2Connection implements Watched, BodyTraffic, Http2Client {
  private readonly session: ServerHttp2Session;
  readonly address: string;
  private readonly resets: Allowance;
  private readonly traffic: TrafficCount;
  private readonly uploads: UploadWindow<RelayedStream>;
  /** those that run */
  private readonly streams = new Set<RelayedStream>();
  private idle: NodeJS.Timeout | undefined;
  private leaving = false;

  /** @param client what is known of the socket already */
  constructor(
    readonly socket: Socket,
    private readonly client: ClientConnection,
    private readonly owner: ConnectionOwner,
  ) {
    const { http2 } = owner;
    this.address = peerAddress(socket.remoteAddress);
    const now = performance.now();
    this.resets = new Allowance(http2.resetBurst, http2.resetsPerSecond, now);
    this.traffic = new TrafficCount(now);
    const session = performServerHandshake(socket, sessionOptions(http2));
    this.session = session;
    this.uploads = new UploadWindow(session, owner.uploads, this.streams, (stream) => {
      this.breakOff(stream);
    });
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    // A client that says goodbye: streams behind it have ended Node with a failed assertion (decision 0016).
    session.close = () => {
      this.goAway();
    };
    session.on('error', ignore);
    session.on('stream', (stream, headers, flags, raw) => {
      this.begin(stream, headers, flags, raw);
    });
    session.once('close', () => {
      clearTimeout(this.idle);
      this.uploads.close();
      owner.closed(this);
      owner.floods.remove(this);
    });
    socket.once('end', () => {
      this.leftBehind();
    });
    owner.floods.add(this);
    this.waitFor(http2.headersTimeoutMs);
  }

  /** Takes no more streams, and ends when those that run have ended. */
  goAway(): void {
    if (this.leaving || this.session.destroyed) return;
    this.leaving = true;
    this.session.goaway(constants.NGHTTP2_NO_ERROR);
    this.endIfIdle();
  }

  look(now: number): void {
    let waiting = 0;
    // What comes for one that is closed, until Node has ended it, is nobody's: see cutShort.
    for (const stream of this.streams) waiting += stream.closed ? LARGE_WINDOW_BYTES : stream.readableLength;
    if (this.traffic.floods(this.socket.bytesRead, waiting, now))
      this.cut('it sends more frames than its requests have a reason for');
  }

  received(bytes: number): void {
    this.traffic.received(bytes);
    this.uploads.received(bytes);
  }

  sent(bytes: number): void {
    this.traffic.sent(bytes);
  }

  cutShort(): void {
    this.traffic.cutShort();
  }

  /**
   * No client of HTTP/2 waits for answers with its half closed: it could give no credit. And one that
   * was reset looks the same here, while Node's session goes on writing to nowhere, as fast as it can.
   */
  private leftBehind(): void {
    this.session.destroy();
    this.socket.destroy();
  }

  private begin(stream: RelayedStream, headers: IncomingHttpHeaders, flags: number, raw: readonly string[]): void {
    stream.on('error', ignore);
    const headBytes = this.traffic.head(raw);
    if (stream.closed || stream.destroyed) {
      // Reset with the same bytes that brought it: nothing is made of it.
      this.countReset();
      return;
    }
    const hasBody = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
    this.streams.add(stream);
    if (hasBody) this.uploads.begin();
    clearTimeout(this.idle);
    stream.once('close', () => {
      this.ended(stream);
    });
    const request = requestFields(raw);
    const { context } = this.owner;
    try {
      const tooLarge = headBytes > this.owner.http2.maxHeaderBytes;
      const head = this.client.refusal ?? (tooLarge ? headTooLarge() : this.headOf(request, hasBody));
      if (head instanceof BerthError) {
        this.refuse(stream, head, request, headers, hasBody);
        return;
      }
      const relay =
        head.kind === ExchangeKind.upgrade
          ? new WebSocketRelay(context, stream, head, this.address, this)
          : new Http2Relay(context, stream, head, this.address, this);
      stream[RELAY] = relay;
      context.dispatch(relay, relay);
    } catch (thrown) {
      context.log.error({ agentId: context.service.id, err: thrown }, 'a request could not be handled');
      if (stream.headersSent) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      else this.refuse(stream, BerthError.from(thrown), request, headers, hasBody);
    }
  }

  private headOf(request: RequestFields, hasBody: boolean): OpenHead | BerthError {
    const { options, service } = this.owner.context;
    const { method, protocol } = request;
    if (method !== 'CONNECT') return readHttp2Head(request, hasBody, this, options, service.openName);
    if (protocol === undefined) return new BerthError('BERTH_METHOD_NOT_ALLOWED', 'this port is not a forward proxy');
    if (protocol !== 'websocket')
      return new BerthError('BERTH_UNSUPPORTED_EXCHANGE', 'over HTTP/2 this port upgrades to WebSocket alone');
    const head = readHttp2Head({ ...request, method: 'GET' }, false, this, options, service.openName);
    return head instanceof BerthError ? head : asUpgrade(head);
  }

  /** Answers a request that never becomes an exchange. */
  private refuse(
    stream: ServerHttp2Stream,
    error: BerthError,
    { method, path }: RequestFields,
    headers: IncomingHttpHeaders,
    hasBody: boolean,
  ): void {
    const { answerLog, options } = this.owner.context;
    const requestId = newRequestId();
    const fields = errorHead(error, 'no', options.retryAfterSeconds);
    const { accept, 'content-type': contentType } = headers;
    sendHttp2Error(stream, error, requestId, fields, { grpc: isGrpc(contentType), accept, target: path });
    answerLog.refused(error, requestId, {
      method,
      url: path,
      httpVersion: '2.0',
      // Only the access log wants them: who floods must not cost it.
      get rawHeaders() {
        return Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
      },
      socket: { remoteAddress: this.address },
    });
    if (hasBody) new Http2Upload(stream, this).drop();
    resetOnceSent(stream);
  }

  private ended(stream: RelayedStream): void {
    this.streams.delete(stream);
    if (!stream.endAfterHeaders) this.uploads.end();
    const relay = stream[RELAY];
    relay?.streamClosed();
    const isReset = stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR;
    if (isReset && relay?.brokenOff !== true) this.countReset();
    else if (!isReset && !stream.readableEnded) this.traffic.cutShort();
    if (this.streams.size > 0 || this.session.destroyed) return;
    if (this.leaving) this.endIfIdle();
    else this.waitFor(this.owner.http2.keepAliveTimeoutMs);
  }

  /** Ends the connection, if no stream comes within this time. */
  private waitFor(ms: number): void {
    this.idle = setTimeout(() => {
      this.goAway();
    }, ms);
    this.idle.unref();
  }

  private endIfIdle(): void {
    // A stream whose head has been read may still be on its way here.
    setImmediate(() => {
      if (this.streams.size > 0) return;
      this.session.destroy();
      this.destroyLater();
    });
  }

  /** A client that does not read would keep the socket. */
  private destroyLater(): void {
    setTimeout(() => this.socket.destroy(), LAST_WORDS_MS).unref();
  }

  private countReset(): void {
    if (this.session.destroyed || this.resets.take(1, performance.now())) return;
    this.cut('it resets requests faster than ingress.http2.resetsPerSecond');
  }

  /** Ends a stream that holds more than it may. */
  private breakOff(stream: RelayedStream): void {
    const relay = stream[RELAY];
    if (relay !== undefined) relay.brokenOff = true;
    stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    // It would wait for somebody to take what it holds.
    stream.destroy();
  }

  /** Ends a connection that costs more than it may. */
  private cut(why: string): void {
    const { context } = this.owner;
    const { key } = context.service;
    context.limitedLog.warn({ agentId: key, client: this.address, why }, 'an HTTP/2 connection was ended');
    this.session.destroy(new Error(why), constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.destroyLater();
  }
}

function ignore(): void {
  // What fails also closes, and that is what counts.
}
