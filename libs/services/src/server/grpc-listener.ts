import { once } from 'node:events';
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Server as TcpServer, type Socket } from 'node:net';
import { Server, type ServerCredentials } from '@grpc/grpc-js';
import type { Log } from '@berth/observability';
import type { ServerSettings } from './server-options.js';
import type { StreamGuard } from './stream-guard.js';

/**
 * HTTP/2 windows. With the default of 64 KiB a request of 4 MiB takes 64 round
 * trips. What is in these windows is read as it comes, and so they hold nothing.
 */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const SESSION_WINDOW_BYTES = 4 * 1024 * 1024;
/** Header lists above it are refused; gRPC's own default. */
const MAX_HEADER_BYTES = 16 * 1024;
const HEADROOM = 1024;
/** Units of `grpc-timeout` whose eight digits can be more than 31 bits of milliseconds. */
const LONG_UNITS_MS = new Map([
  ['H', 3_600_000],
  ['M', 60_000],
  ['S', 1000],
]);

interface ServerInternals {
  createHttp2Server?(credentials: ServerCredentials): Http2Server;
}
type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number) => void;

/**
 * A grpc-js server behind a TCP server of ours: it tells exactly why it cannot
 * listen and bounds the connections, and each stream passes the guard first.
 */
export class GrpcListener {
  readonly server: Server;
  private readonly tcp: TcpServer;
  /** also those that have not become an HTTP/2 session, such as one that is silent in its TLS handshake */
  private readonly sockets = new Set<Socket>();
  private readonly sessions = new Set<ServerHttp2Session>();

  /** @throws Error when this version of grpc-js is built differently */
  constructor(settings: ServerSettings, credentials: ServerCredentials, guard: StreamGuard, log: Log) {
    this.server = new Server({
      'grpc.max_receive_message_length': settings.maxMessageBytes,
      // Replies are measured before they get here; this holds for health and reflection too.
      'grpc.max_send_message_length': settings.maxMessageBytes + HEADROOM,
      'grpc.max_concurrent_streams': settings.maxConcurrentStreams,
      'grpc-node.max_session_memory': settings.maxSessionMemoryMiB,
      'grpc.max_connection_idle_ms': settings.maxConnectionIdleMs,
      'grpc.keepalive_time_ms': settings.keepaliveTimeMs,
      'grpc.keepalive_timeout_ms': settings.keepaliveTimeoutMs,
      'grpc.enable_channelz': 0,
    });
    adapt(this.server, guard, this.sessions);
    const injector = this.server.createConnectionInjector(credentials);
    this.tcp = createServer((socket: Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      injector.injectConnection(socket);
    });
    this.tcp.maxConnections = settings.maxConnections;
    // Such as having no file left for a connection; the server itself goes on.
    this.tcp.on('error', (error) => {
      log.warn({ err: error }, 'function server could not listen or take a connection');
    });
  }

  /**
   * @returns the port
   * @throws Error of the system, with its `code`
   */
  async listen(port: number, host: string): Promise<number> {
    this.tcp.listen(port, host);
    await once(this.tcp, 'listening');
    return (this.tcp.address() as AddressInfo).port;
  }

  /** Listens no more, and lets each connection end with its last stream. */
  drain(): Promise<void> {
    this.tcp.close();
    return new Promise((resolve) => {
      this.server.tryShutdown(() => {
        // A connection without a session has no call: it is not waited for.
        const closed = [...this.sessions].map((session) => once(session, 'close'));
        resolve(Promise.all(closed).then(() => undefined));
      });
    });
  }

  /** Ends what is left at once. */
  destroy(): void {
    this.tcp.close();
    this.server.forceShutdown();
    for (const socket of this.sockets) socket.destroy();
  }
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

function adapt(server: Server, guard: StreamGuard, sessions: Set<ServerHttp2Session>): void {
  const internals = server as unknown as ServerInternals;
  const original = internals.createHttp2Server?.bind(server);
  if (original === undefined)
    throw new Error('@grpc/grpc-js has no createHttp2Server: check grpc-listener.ts against its new version');
  internals.createHttp2Server = (credentials) => {
    const http2 = original(credentials);
    http2.updateSettings({ initialWindowSize: STREAM_WINDOW_BYTES, maxHeaderListSize: MAX_HEADER_BYTES });
    http2.on('session', (session: ServerHttp2Session) => {
      session.setLocalWindowSize(SESSION_WINDOW_BYTES);
      sessions.add(session);
      session.once('close', () => sessions.delete(session));
    });
    const listeners = http2.listeners('stream') as StreamListener[];
    const [toGrpc] = listeners;
    if (toGrpc === undefined || listeners.length !== 1)
      throw new Error('@grpc/grpc-js listens to streams differently: check grpc-listener.ts against its new version');
    http2.removeAllListeners('stream');
    const admit: StreamListener = (stream, headers, flags) => {
      boundTimeout(headers);
      if (guard.admit(stream, headers)) toGrpc(stream, headers, flags);
    };
    http2.on('stream', admit);
    return http2;
  };
}
