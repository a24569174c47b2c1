import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { constants, type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { INVOKE_FN_PATH, INVOKE_OBJ_PATH } from '../wire/requests.js';
import type { ServerSettings } from './server-options.js';

/** Where Node shows each stream of each HTTP/2 server of the process before the server itself hears of it. */
const STREAMS = 'http2.server.stream.created';
/** Streams at once that stay open: watches of health, and reflection. Each kind of stream has a bound of its own: none shuts out the others. */
const MAX_LASTING_STREAMS = 192;
/** Streams at once that are answered and end: questions to health, and paths that nobody serves. */
const MAX_SIDE_STREAMS = 64;
/** What a stream that is no invocation may bring, bytes: some hundred questions to reflection, whose answers are larger. */
const MAX_SIDE_BYTES = 8 * 1024;
/**
 * Pieces that a request may come in: so many, and one more for each such piece of
 * its bytes. A smaller piece holds more than its bytes, up to the whole buffer
 * that it was read into; each one beyond counts as that.
 */
const FREE_CHUNKS = 16;
const FREE_CHUNK_BYTES = 4096;
const EXTRA_CHUNK_BYTES = 16 * 1024;
/** Invocations whose requests are arriving, besides those that run and wait. */
const MAX_ARRIVING = 1024;
/**
 * HTTP/2 windows. With the default of 64 KiB a request of 4 MiB takes 64 round
 * trips. What is in these windows is read as it comes, and so they hold nothing.
 */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const SESSION_WINDOW_BYTES = 4 * 1024 * 1024;
/** Header lists above it are refused, once the client has been told: gRPC's own default. */
const MAX_HEADER_BYTES = 16 * 1024;
const SWEEP_MS = 1000;
/** Units of `grpc-timeout` whose eight digits can be more than 31 bits of milliseconds. */
const LONG_UNITS_MS = new Map([
  ['H', 3_600_000],
  ['M', 60_000],
  ['S', 1000],
]);
/** On a socket, whose it is. A session shows its socket through a proxy only, so that the socket itself cannot be looked up. */
const OWNER = Symbol('owner');

type Kind = 'call' | 'side' | 'lasting';

/** By path; all others are of the side. */
const KINDS: ReadonlyMap<string | undefined, Kind> = new Map([
  [INVOKE_FN_PATH, 'call'],
  [INVOKE_OBJ_PATH, 'call'],
  ['/grpc.health.v1.Health/Watch', 'lasting'],
  ['/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', 'lasting'],
  ['/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo', 'lasting'],
]);

/** What one stream costs until it closes. */
interface Account {
  readonly kind: Kind;
  bytes: number;
  /** pieces of the request so far */
  chunks: number;
  /** sweep in which it began to arrive, or was seen to be answered */
  since: number;
  answered: boolean;
}

/**
 * Bounds what callers cost before anybody knows them: streams, bytes of their
 * requests and of replies that they do not take, and time. HTTP/2 bounds only
 * single connections, and grpc-js gathers a message of the full size for each
 * stream, so that a few callers with stalled uploads could take all memory.
 */
export class StreamGuard {
  /** connections of this server; also those without a session, such as one that is silent in its TLS handshake */
  private readonly sockets = new Set<Socket>();
  private readonly sessions = new Set<Http2Session>();
  private readonly accounts = new Map<ServerHttp2Stream, Account>();
  private readonly most: Readonly<Record<Kind, number>>;
  private readonly open: Record<Kind, number> = { call: 0, side: 0, lasting: 0 };
  private readonly timer = setInterval(() => {
    this.sweep();
  }, SWEEP_MS).unref();
  private sweeps = 0;
  private held = 0;

  constructor(private readonly settings: ServerSettings) {
    const call = settings.maxConcurrentCalls + settings.maxQueuedCalls + MAX_ARRIVING;
    this.most = { call, side: MAX_SIDE_STREAMS, lasting: MAX_LASTING_STREAMS };
    subscribe(STREAMS, this.created);
  }

  /** {@link close} cuts it off. */
  add(socket: Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
  }

  /** The streams of this connection are this server's. */
  own(socket: Socket): void {
    Object.assign(socket, { [OWNER]: this });
  }

  /** Counts bytes against `maxHeldBytes` that no stream counts. @param bytes less than 0: they are held no more */
  hold(bytes: number): void {
    this.held += bytes;
  }

  /** Whether a reply of so many bytes can be held until its caller takes it. */
  fits(bytes: number): boolean {
    return this.held + bytes <= this.settings.maxHeldBytes;
  }

  /** Ends what is no invocation or has not arrived, but for what is answered already: for a server that stops. */
  refuseIdle(): void {
    for (const [stream, { kind }] of this.accounts) {
      const answered = kind === 'call' ? stream.readableEnded || stream.headersSent : stream.writableEnded;
      // It says to the client that no method has seen the call.
      if (!answered) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    }
  }

  /** Resolves when each connection that had a stream is closed. */
  async whenClosed(): Promise<void> {
    await Promise.all([...this.sessions].map((session) => new Promise((resolve) => session.once('close', resolve))));
  }

  /** Cuts off all connections. */
  close(): void {
    unsubscribe(STREAMS, this.created);
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.destroy();
  }

  private readonly created = (message: unknown): void => {
    const { stream, headers } = message as { stream: ServerHttp2Stream; headers: IncomingHttpHeaders };
    const { session } = stream;
    // The server hears of it in the tick after.
    if (session !== undefined && this.owns(session)) process.nextTick(this.admit, stream, headers);
  };

  private owns(session: Http2Session): boolean {
    if (this.sessions.has(session)) return true;
    if (session.destroyed || (session.socket as { [OWNER]?: StreamGuard })[OWNER] !== this) return false;
    this.sessions.add(session);
    session.once('close', () => this.sessions.delete(session));
    session.settings({ initialWindowSize: STREAM_WINDOW_BYTES, maxHeaderListSize: MAX_HEADER_BYTES });
    session.setLocalWindowSize(SESSION_WINDOW_BYTES);
    return true;
  }

  private readonly admit = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    boundTimeout(headers);
    const kind = KINDS.get(headers[':path']) ?? 'side';
    const encoding = headers['grpc-encoding'];
    // What a compressed message becomes shows only when it is in memory.
    const bytes = encoding === undefined || encoding === 'identity' ? 0 : this.settings.maxMessageBytes;
    if (this.open[kind] >= this.most[kind] || !this.fits(bytes)) {
      // After grpc-js has had it: what nobody serves it answers at once, and to a closed stream it cannot.
      process.nextTick(tooMuch, stream);
      return;
    }
    const account: Account = { kind, bytes: 0, chunks: 0, since: this.sweeps, answered: false };
    this.accounts.set(stream, account);
    this.open[kind] += 1;
    this.count(account, bytes);
    stream.on('data', (chunk: Buffer) => {
      this.arrived(stream, account, chunk.length);
    });
    stream.on('close', () => {
      this.accounts.delete(stream);
      this.held -= account.bytes;
      this.open[kind] -= 1;
    });
  };

  private arrived(stream: ServerHttp2Stream, account: Account, bytes: number): void {
    // Answered before it was whole: grpc-js drops the rest, and so is nothing held.
    if (stream.headersSent && account.kind !== 'lasting') return;
    account.chunks += 1;
    const extra = account.chunks > FREE_CHUNKS + account.bytes / FREE_CHUNK_BYTES;
    this.count(account, extra ? bytes + EXTRA_CHUNK_BYTES : bytes);
    if (!this.fits(0) || (account.kind !== 'call' && account.bytes > MAX_SIDE_BYTES)) tooMuch(stream);
  }

  private count(account: Account, bytes: number): void {
    account.bytes += bytes;
    this.held += bytes;
  }

  private sweep(): void {
    this.sweeps += 1;
    const longest = Math.ceil(this.settings.transferTimeoutMs / SWEEP_MS);
    for (const [stream, account] of this.accounts) {
      if (stream.headersSent && !account.answered) {
        account.answered = true;
        account.since = this.sweeps;
      }
      // It is the call's deadline that ends a method.
      const runs = stream.readableEnded && !account.answered;
      const late = !runs && this.sweeps - account.since > longest;
      if (late && account.kind !== 'lasting') stream.close(constants.NGHTTP2_CANCEL);
    }
  }
}

/** gRPC clients read this reset as RESOURCE_EXHAUSTED. */
function tooMuch(stream: ServerHttp2Stream): void {
  // A stream without a listener would bring the process down with its error.
  stream.on('error', () => undefined);
  stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
}

/**
 * grpc-js counts a timeout in 32 bits of milliseconds, and a longer one is over
 * at once. 596 hours are the most that fit.
 */
function boundTimeout(headers: IncomingHttpHeaders): void {
  const timeout = headers['grpc-timeout'];
  if (typeof timeout !== 'string') return;
  const unitMs = LONG_UNITS_MS.get(timeout.slice(-1));
  if (unitMs !== undefined && Number(timeout.slice(0, -1)) * unitMs >= 2 ** 31) headers['grpc-timeout'] = '596H';
}
