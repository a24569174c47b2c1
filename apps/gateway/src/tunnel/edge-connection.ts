import { type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { BerthError } from '@berth/errors';
import { addressGroup } from '@berth/node-runtime';
import type { HandshakeFailure } from '../lifecycle/index.js';
import { EdgeCall } from './edge-call.js';
import type { Newcomer, Newcomers } from './newcomers.js';

/** What one connection may cost before it has shown an agent. */
export interface EdgeLimits {
  /** from when it begins to be read to an accepted Hello, ms */
  handshakeTimeoutMs: number;
  /** bytes that it may make the gateway hold, see {@link EdgeConnection.charge} */
  maxHelloBytes: number;
}

/** What a connection needs of its surroundings. */
export interface EdgeOwner {
  readonly limits: EdgeLimits;
  readonly newcomers: Newcomers;
  /** monotonic, ms */
  now(): number;
  /** told when it ends and no call was there to be refused */
  handshakeFailed(remoteAddress: string, reason: HandshakeFailure): void;
}

/**
 * Windows of a connection with an agent. Tunnel frames carry their own credit
 * per exchange, so that HTTP/2's only have to be out of the way: its default of
 * 64 KiB holds an upload to 0.3 MB/s at 100 ms round trip, and costs two thirds
 * of the throughput even on loopback. A stranger keeps the default.
 */
const AGENT_WINDOW_BYTES = 32 * 1024 * 1024;

/** Beyond the handshake timeout, for its status to leave, ms. */
const STATUS_GRACE_MS = 1000;

/** How long a connection stays open whose last call has ended, ms (closed within 5 s, a call's own grace included). */
const IDLE_MS = 3000;

/** For the last words of a connection that is cut, ms. */
const LAST_WORDS_MS = 50;

/** Beside its headers: the objects that Node, grpc-js and the tunnel make for a stream, bytes; measured. */
const STREAM_COST_BYTES = 8192;

/** Beside its bytes: the objects of a piece of a message, bytes. A piece of one byte costs that too. */
const PIECE_COST_BYTES = 512;

/** Beside its pieces: the objects of a message, bytes. An empty one costs that too. */
const MESSAGE_COST_BYTES = 1024;

/** One TCP connection to the gRPC port: a {@link Newcomer} while it has no call of an agent. */
export class EdgeConnection implements Newcomer {
  readonly address: string;
  readonly remoteAddress: string;
  private readonly calls = new Set<EdgeCall>();
  private session: ServerHttp2Session | undefined;
  private agents = 0;
  private everKnown = false;
  private since: number | undefined;
  /** none while it waits at the door, where it has no way to say anything */
  private deadline = Infinity;
  /** since when there is no call any more; undefined before the first */
  private idleSince: number | undefined;
  private cost = 0;
  /** where the count of bytes on the wire starts; undefined: what an agent sent before its end may still come */
  private wireStart: number | undefined = 0;
  private doomed = false;

  /**
   * @param socket just accepted, its peer still there
   * @param connect makes an HTTP/2 session on it, TLS first
   */
  constructor(
    private readonly socket: Socket,
    private readonly owner: EdgeOwner,
    private readonly connect: (socket: Socket) => void,
  ) {
    const { remoteAddress = '', remotePort = 0 } = socket;
    this.address = addressGroup(remoteAddress);
    this.remoteAddress = `${remoteAddress}:${remotePort}`;
  }

  /** Whether it has cost an HTTP/2 session, and never shown an agent. */
  get fruitless(): boolean {
    return this.since !== undefined && !this.everKnown;
  }

  get readSince(): number {
    return this.since ?? this.owner.now();
  }

  get expiresAt(): number {
    return this.idleSince === undefined ? this.deadline : Math.min(this.deadline, this.idleSince + IDLE_MS);
  }

  /**
   * What raises no event, a flood of PING, SETTINGS or WINDOW_UPDATE frames say,
   * is seen by its bytes: twice the bound, as TLS and frame heads count too.
   */
  get overdrawn(): boolean {
    return this.wireStart !== undefined && this.socket.bytesRead - this.wireStart > 2 * this.owner.limits.maxHelloBytes;
  }

  /** HTTP/2 has begun on it. */
  began(session: ServerHttp2Session): void {
    this.session = session;
  }

  /** Begins to read it; until then its bytes stay with the kernel. */
  read(): void {
    this.since = this.owner.now();
    this.deadline = this.endOfHandshake();
    this.owner.newcomers.admit(this);
    this.connect(this.socket);
    this.socket.read(0);
  }

  /**
   * The head of a stream came: counts what it costs.
   *
   * @returns false when the connection has gone of it
   */
  pays(headers: readonly string[]): boolean {
    if (this.agents > 0) return true;
    this.wireStart ??= this.socket.bytesRead;
    if (this.doomed) this.destroy();
    else this.charge(headers.reduce((sum, text) => sum + text.length, STREAM_COST_BYTES));
    return !this.socket.destroyed;
  }

  /** A call begins. */
  open(stream: ServerHttp2Stream): EdgeCall {
    const call = new EdgeCall(stream, this);
    this.calls.add(call);
    this.idleSince = undefined;
    if (this.agents === 0) call.meter();
    return call;
  }

  /** A piece of a message came. */
  received(bytes: number, messages: number): void {
    this.charge(bytes + PIECE_COST_BYTES + messages * MESSAGE_COST_BYTES);
  }

  /** A call has shown its agent: the connection is no newcomer any more. */
  accept(windowBytes = AGENT_WINDOW_BYTES): void {
    this.agents += 1;
    this.everKnown = true;
    if (this.agents > 1) return;
    this.owner.newcomers.remove(this);
    for (const call of this.calls) call.unmeter();
    if (this.session === undefined || this.session.destroyed) return;
    this.session.settings({ initialWindowSize: windowBytes });
    this.session.setLocalWindowSize(windowBytes);
  }

  /** A call is over. */
  ended(call: EdgeCall): void {
    if (!this.calls.delete(call)) return;
    if (this.calls.size === 0) this.idleSince = this.owner.now();
    if (!call.accepted) return;
    this.agents -= 1;
    if (this.agents > 0 || this.socket.destroyed) return;
    this.cost = 0;
    this.wireStart = this.calls.size === 0 ? undefined : this.socket.bytesRead;
    this.deadline = this.endOfHandshake();
    for (const other of this.calls) other.meter();
    this.owner.newcomers.add(this);
  }

  /** HTTP/2 failed on it, by a fault of the peer. */
  broke(): void {
    // Whoever had a call has had its answer: what breaks then is only its leave.
    const neverCalled = this.calls.size === 0 && this.idleSince === undefined;
    if (!this.doomed && neverCalled) this.owner.handshakeFailed(this.remoteAddress, 'protocol');
    this.doomed = true;
  }

  cut(reason: HandshakeFailure): void {
    if (this.doomed) {
      this.destroy();
      return;
    }
    this.doomed = true;
    let told = this.idleSince !== undefined && reason !== 'flood';
    for (const call of this.calls) told = call.giveUp(this.errorOf(reason)) || told;
    if (!told) this.owner.handshakeFailed(this.remoteAddress, reason);
    if (this.session === undefined || this.overdrawn) {
      this.destroy();
      return;
    }
    // Not session.close(): streams that come behind it end Node with a failed assertion (`current_nghttp2_memory_`).
    setTimeout(() => {
      this.destroy();
    }, LAST_WORDS_MS).unref();
  }

  /** Counts what strangers make the gateway hold: heads and pieces of messages, and the objects around them. */
  private charge(bytes: number): void {
    this.cost += bytes;
    const { maxHelloBytes } = this.owner.limits;
    if (this.cost > 2 * maxHelloBytes) this.destroy();
    else if (this.cost > maxHelloBytes && !this.doomed) this.cut('flood');
  }

  /** Ends it now. The session first: whatever else was read with the last bytes is dropped before objects are made of it. */
  private destroy(): void {
    this.session?.destroy();
    this.socket.destroy();
  }

  private endOfHandshake(): number {
    return this.owner.now() + this.owner.limits.handshakeTimeoutMs + STATUS_GRACE_MS;
  }

  private errorOf(reason: HandshakeFailure): BerthError {
    const { maxHelloBytes, handshakeTimeoutMs } = this.owner.limits;
    if (reason === 'flood') {
      return new BerthError(
        'BERTH_PROTOCOL_ERROR',
        `a connection may cost ${maxHelloBytes} bytes until its Hello is accepted (tunnel.maxHelloBytes)`,
      );
    }
    if (reason === 'timeout') {
      return new BerthError(
        'BERTH_HANDSHAKE_TIMEOUT',
        `no Hello within ${handshakeTimeoutMs} ms (tunnel.handshakeTimeoutMs)`,
      );
    }
    return new BerthError(
      'BERTH_TOO_MANY_CONNECTIONS',
      'too many handshakes at once (tunnel.maxPendingHandshakes, tunnel.maxPendingHandshakesPerAddress)',
    );
  }
}
