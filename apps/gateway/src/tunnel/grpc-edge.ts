import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Metadata } from '@grpc/grpc-js';
import { Inject, Injectable } from '@nestjs/common';
import { type HandshakeFailure, LifecycleEvents } from '../lifecycle/index.js';
import type { EdgeCall } from './edge-call.js';
import { Door } from './door.js';
import { EdgeConnection, type EdgeLimits, type EdgeOwner } from './edge-connection.js';
import { EdgeLog } from './edge-log.js';
import { Newcomers } from './newcomers.js';
import { Patience } from './patience.js';
import { describeTlsFailure, describeUntrusted } from './tls-failures.js';
import { tunnelConfig } from './tunnel.settings.js';

export interface EdgeOptions extends EdgeLimits {
  /** connections without an agent, in all */
  maxPendingHandshakes: number;
  maxPendingHandshakesPerAddress: number;
}

/**
 * Request header with the number of a call, whatever the caller sent under that
 * name. grpc-js hands request headers on as metadata: the one public way from a
 * call back to its HTTP/2 stream.
 */
const CALL_HEADER = 'berth-call';

/**
 * Calls at once on one connection. An agent needs one (docs/protocol.md); with
 * two it can open the next before the last has ended.
 */
const MAX_CALLS = 2;

/** Names and values of a request's headers together, bytes; a tunnel has none of its own. */
const MAX_HEADER_BYTES = 16_384;

/** Log lines per failure: each is a kind of its own, so that a flood of one does not hide the others. */
const MESSAGES: Record<HandshakeFailure, string> = {
  plaintext: 'TLS handshake failed: plain text',
  certificate: 'client certificate not trusted',
  tls: 'TLS handshake failed',
  protocol: 'a connection to the gRPC port speaks no HTTP/2; is it TLS, and grpc.tls.enabled is not set?',
  timeout: 'a connection to the gRPC port opened no call within tunnel.handshakeTimeoutMs',
  flood: 'a connection to the gRPC port sent more than tunnel.maxHelloBytes without a Hello',
  evicted: 'a connection to the gRPC port made room for newcomers (tunnel.maxPendingHandshakes)',
};

type StreamEvent = [ServerHttp2Stream, IncomingHttpHeaders, number, readonly string[]];

/**
 * The gRPC port below gRPC: TCP connections, TLS, HTTP/2 streams. It sees to it
 * that who has shown no credentials costs next to nothing.
 */
@Injectable()
export class GrpcEdge implements EdgeOwner {
  readonly newcomers: Newcomers;
  private readonly door: Door<EdgeConnection>;
  private readonly patience = new Patience(() => this.now());
  private readonly connections = new Map<string, EdgeConnection>();
  private readonly sessions = new WeakMap<object, EdgeConnection>();
  private readonly calls = new Map<string, EdgeCall>();
  private lastCall = 0;

  constructor(
    @Inject(tunnelConfig.KEY) readonly limits: EdgeOptions,
    private readonly events: LifecycleEvents,
    private readonly log: EdgeLog,
  ) {
    const bounds = { total: limits.maxPendingHandshakes, perAddress: limits.maxPendingHandshakesPerAddress };
    this.newcomers = new Newcomers({ ...bounds, now: () => this.now() });
    this.door = new Door(limits.maxPendingHandshakes, {
      hasRoomFor: (address) => this.newcomers.hasRoomFor(address),
      enter: (connection) => {
        connection.read();
      },
    });
  }

  /** TCP connections. */
  get open(): number {
    return this.connections.size;
  }

  /** Those of them without an agent. */
  get pending(): number {
    return this.newcomers.size + this.door.size;
  }

  now(): number {
    return performance.now();
  }

  /**
   * Stands before Node and grpc-js at a server that does not listen yet: they
   * get no connection and no stream but those that this class hands on.
   *
   * @param server plain or with TLS
   */
  attach(server: Http2Server): void {
    server.updateSettings({ maxConcurrentStreams: MAX_CALLS, maxHeaderListSize: MAX_HEADER_BYTES });
    // An option of net.createServer that grpc-js does not pass on: a connection that waits is not read.
    Object.assign(server, { pauseOnConnect: true });
    const connect = takeListeners(server, 'connection');
    server.on('connection', (socket: Socket) => {
      this.accept(socket, connect);
    });
    server.prependListener('session', (session) => {
      this.begin(session);
    });
    const call = takeListeners(server, 'stream');
    server.on('stream', (...event: StreamEvent) => {
      this.begins(event, call);
    });
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      const failure = describeTlsFailure(error, socket);
      if (failure !== undefined) this.handshakeFailed(peerOf(socket), failure.reason, failure.text);
    });
  }

  /**
   * The HTTP/2 side of a call that grpc-js has handed over.
   *
   * @returns undefined when it has gone meanwhile
   * @throws Error when this version of grpc-js does not hand request headers on
   */
  callOf(metadata: Metadata): EdgeCall | undefined {
    const [id] = metadata.get(CALL_HEADER);
    if (typeof id !== 'string') throw new Error('@grpc/grpc-js lost a request header: check grpc-edge.ts');
    return this.calls.get(id);
  }

  handshakeFailed(remoteAddress: string, reason: HandshakeFailure, text?: string): void {
    this.events.emit('handshake.failed', { remoteAddress, reason });
    this.log.warn({ remoteAddress, ...(text === undefined ? {} : { reason: text }) }, MESSAGES[reason]);
  }

  private accept(socket: Socket, connect: (socket: Socket) => void): void {
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const connection = new EdgeConnection(socket, this, connect);
    const key = addressesOf(socket);
    this.connections.set(key, connection);
    socket.once('close', () => {
      if (this.connections.get(key) === connection) this.connections.delete(key);
      this.door.remove(connection);
      this.newcomers.remove(connection);
      if (connection.fruitless) this.patience.fruitless(connection.address);
    });
    this.door.admit(connection);
    const waitMs = this.patience.waitMs(connection.address);
    if (waitMs === 0) this.door.lineUp(connection);
    else setTimeout(() => this.door.lineUp(connection), waitMs).unref();
  }

  private begin(session: ServerHttp2Session): void {
    const { socket } = session;
    const connection = this.connections.get(addressesOf(socket));
    if (connection === undefined) {
      session.destroy();
      return;
    }
    this.sessions.set(session, connection);
    connection.began(session);
    session.once('error', () => {
      connection.broke();
    });
    // With clientCert `request` a caller may come without a certificate, but one
    // that it shows must be good: grpc-js hides a bad one, so it would count as none.
    const untrusted = socket instanceof TLSSocket && !socket.authorized ? describeUntrusted(socket) : undefined;
    if (untrusted === undefined) return;
    this.handshakeFailed(connection.remoteAddress, untrusted.reason, untrusted.text);
    session.destroy();
  }

  private begins(event: StreamEvent, call: (...event: StreamEvent) => void): void {
    const [stream, headers, , rawHeaders] = event;
    const connection = stream.session === undefined ? undefined : this.sessions.get(stream.session);
    stream.on('error', ignore);
    if (connection === undefined) {
      stream.close();
      return;
    }
    if (!connection.pays(rawHeaders)) return;
    // What was read together with the head is looked at first: of a stream that it resets nothing more is made.
    process.nextTick(() => {
      if (stream.closed || stream.destroyed) return;
      const id = String((this.lastCall += 1));
      headers[CALL_HEADER] = id;
      // Thousands of small compressed messages would each get an inflater of their own before anybody looks at them.
      if (headers['grpc-encoding'] !== undefined) headers['grpc-encoding'] = 'that this gateway does not take';
      this.calls.set(id, connection.open(stream));
      stream.once('close', () => this.calls.delete(id));
      call(...event);
    });
  }
}

/** Takes the listeners of an event off. @returns what they did, to be done later or not at all */
function takeListeners(server: Http2Server, name: string): (...event: unknown[]) => void {
  const listeners = server.listeners(name);
  if (listeners.length === 0)
    throw new Error(`nobody listens to '${name}': check grpc-edge.ts against Node and grpc-js`);
  server.removeAllListeners(name);
  return (...event) => {
    for (const listener of listeners) listener.apply(server, event);
  };
}

function ignore(): void {
  // A stream that fails also closes, and that is what counts.
}

/** Both ends of a TCP connection: no two live ones share them. */
function addressesOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? 0} ${localAddress ?? ''} ${localPort ?? 0}`;
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''}:${remotePort ?? 0}`;
}
