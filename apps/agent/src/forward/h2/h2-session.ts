import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants, type Settings } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { FlatHeaders } from '@berth/exchange';
import type { AgentSettings } from '../../agent-settings.js';
import { NO_HTTP2 } from '../local-errors.js';
import { type LocalTarget, openSocket } from '../local-target.js';
import { BrokenStreams } from './broken-streams.js';
import { coded, h2CodeName } from './h2-codes.js';

/** What a service may send of one answer before the agent has taken some, bytes; of all that stand still together it is the memory. */
const STREAM_WINDOW_BYTES = 256 * 1024;

/** The same of all streams of a connection. Node gives it back as it reads, whether a stream stands still or not. */
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;

/** Of a request's head with its framing: above it Node would send none. Clients' heads have their limit at the gateway. */
const MAX_SENT_HEAD_BYTES = 256 * 1024;

/** MB of what Node holds of a connection; the windows of exchanges bound it, and Node's 10 would break streams off. */
const SESSION_MEMORY_MB = 4096;

/**
 * Streams that may be broken off on one connection. Many services end one after some number (Envoy 500, Node 1,000:
 * they count rapid resets, CVE-2023-44487), and all that runs on it with it. Each stream that runs may be broken off
 * too: those that were and those that run are never more together.
 */
const MAX_RESETS = 500;

/** Streams broken off after which a connection is given up: it has little room left. */
const RETIRE_RESETS = MAX_RESETS / 2;

/** Streams after which a connection is given up, long before their numbers run out at 2^30. */
const MAX_STREAMS = 500_000_000;

/** For the first stream of a connection that is to be used once, ms. */
const UNUSED_MS = 1000;

/** Silence after which the system asks the service's host whether it is still there, ms. */
const TCP_KEEPALIVE_MS = 60_000;

/** Whoever looks after connections. */
export interface SessionOwner {
  /** It may take more streams than before: it has opened, its service allows more, or one has ended. */
  roomier(session: LocalSession): void;
  /** It takes no new streams any more; those that it has go on. */
  retired(session: LocalSession): void;
  /**
   * It is gone.
   *
   * @param error why it never opened; undefined for one that did
   */
  gone(session: LocalSession, error: Error | undefined): void;
}

/** One HTTP/2 connection to the local service. It takes streams when the service's settings have come. */
export class LocalSession {
  /** under way, and those broken off of which the service may not know yet */
  streams = 0;
  /** why it broke, if it did */
  lost: Error | undefined;
  private readonly http2: ClientHttp2Session;
  private readonly broken: BrokenStreams;
  private socket!: Socket;
  private opened = false;
  private isRetired = false;
  private limit = 0;
  private begun = 0;
  private resets = 0;
  private lastStreamId = Infinity;
  private bytesBefore = 0;
  private readonly openTimer: NodeJS.Timeout;
  private idleTimer: NodeJS.Timeout | undefined;
  private pingTimer: NodeJS.Timeout | undefined;

  /**
   * @param settings those of the service
   * @throws Error when not even a socket can be made
   */
  constructor(
    target: LocalTarget,
    readonly settings: AgentSettings['local'],
    private readonly owner: SessionOwner,
  ) {
    // Not in Node's types yet: a field that came twice is passed on twice.
    const lenient = { strictSingleValueFields: false };
    this.http2 = connect(target.origin, {
      ...lenient,
      createConnection: () => this.connect(target),
      settings: {
        enablePush: false,
        initialWindowSize: STREAM_WINDOW_BYTES,
        maxHeaderListSize: settings.maxHeaderBytes,
      },
      // Node's 128 would be a second limit. A field counts 32 bytes besides its own (RFC 9113 section 6.5.2).
      maxHeaderListPairs: Math.ceil(settings.maxHeaderBytes / 32),
      maxSendHeaderBlockLength: MAX_SENT_HEAD_BYTES,
      maxSessionMemory: SESSION_MEMORY_MB,
    });
    this.broken = new BrokenStreams(this.http2, (count) => {
      this.free(count);
    });
    this.openTimer = setTimeout(() => {
      this.destroy(coded('UND_ERR_CONNECT_TIMEOUT', 'no HTTP/2 connection in time (local.connectTimeoutMs)'));
    }, settings.connectTimeoutMs);
    this.http2
      .on('connect', () => {
        // It may have been given up while TLS was agreed on.
        if (!this.http2.destroyed) this.http2.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
      })
      .on('remoteSettings', ({ maxConcurrentStreams }: Settings) => {
        this.limit = maxConcurrentStreams ?? Infinity;
        this.onSettings();
      })
      .on('goaway', (code: number, lastStreamId: number) => {
        this.lastStreamId = lastStreamId;
        // Node ends the connection at once then, with a number for a reason.
        if (code !== 0) this.lost ??= new Error(`it ended its HTTP/2 connection: ${h2CodeName(code)}`);
        this.retire();
      })
      .on('error', (error: Error) => {
        this.lost ??= error;
      })
      .on('close', () => {
        this.onClose();
      });
  }

  /** Whether it takes one more stream. */
  get hasRoom(): boolean {
    const { http2 } = this;
    return this.opened && !this.isRetired && this.streams < this.most && !http2.closed && !http2.destroyed;
  }

  /** Whether its service takes WebSockets (RFC 8441 section 3). */
  get takesWebSockets(): boolean {
    return this.http2.remoteSettings.enableConnectProtocol === true;
  }

  /** Streams that it takes at a time: what the service allows, and may be broken off; 0 before it has said so. */
  get most(): number {
    return Math.min(this.limit, MAX_RESETS - this.resets);
  }

  /** Whether the connection is no more. */
  get ended(): boolean {
    return this.http2.destroyed;
  }

  /**
   * Begins a stream.
   *
   * @param head with pseudo header fields
   * @param mayTrail whether trailers may follow the body; one without has its end in its last frame, not in a frame
   * and a write of their own
   * @throws Error for a head that HTTP/2 cannot carry; nothing has begun then
   */
  begin(head: FlatHeaders, hasBody: boolean, mayTrail = hasBody): ClientHttp2Stream {
    const stream = this.http2.request(head, { endStream: !hasBody, waitForTrailers: mayTrail });
    this.streams += 1;
    this.begun += 1;
    stream.once('close', this.released);
    if (this.begun >= MAX_STREAMS) this.retire();
    return stream;
  }

  /** A stream is broken off before its answer was complete. */
  cancelling(stream: ClientHttp2Stream): void {
    this.resets += 1;
    stream.off('close', this.released).once('close', () => {
      this.broken.add();
    });
    if (this.resets >= RETIRE_RESETS) this.retire();
  }

  /** Whether the service has said that it did nothing of a stream, and never will (RFC 9113 section 6.8). */
  leftOut(stream: ClientHttp2Stream): boolean {
    const { id, rstCode } = stream;
    // Without a number it never began.
    return id === undefined || rstCode === constants.NGHTTP2_REFUSED_STREAM || id > this.lastStreamId;
  }

  /** Breaks off all that runs on it. */
  destroy(error?: Error): void {
    if (error !== undefined) this.lost ??= error;
    // The streams are told by their own ends, so that none is without a listener.
    this.http2.destroy(error);
  }

  private connect(target: LocalTarget): Socket {
    const socket = openSocket(target, 'h2');
    this.socket = socket;
    // Whoever has ended its half takes no requests.
    socket.allowHalfOpen = false;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    if (target.secure) {
      socket.once('secureConnect', () => {
        if ((socket as TLSSocket).alpnProtocol !== 'h2') this.destroy(coded(NO_HTTP2, 'ALPN is not h2'));
      });
    }
    return socket;
  }

  private onSettings(): void {
    if (!this.opened) {
      this.opened = true;
      clearTimeout(this.openTimer);
      const { pingIntervalMs } = this.settings;
      if (pingIntervalMs > 0) this.pingTimer = setInterval(this.look, pingIntervalMs);
      this.idle();
    }
    this.owner.roomier(this);
  }

  private readonly released = (): void => {
    this.broken.answered();
    this.free(1);
  };

  private free(count: number): void {
    this.streams -= count;
    if (this.http2.destroyed) return;
    if (this.streams === 0) this.idle();
    this.owner.roomier(this);
  }

  private idle(): void {
    if (this.isRetired) return;
    const { keepAliveMs } = this.settings;
    if (keepAliveMs === 0 && this.begun > 0) {
      this.retire();
      return;
    }
    this.idleTimer ??= setTimeout(() => {
      if (this.streams === 0) this.retire();
    }, keepAliveMs || UNUSED_MS);
    this.idleTimer.refresh();
  }

  private retire(): void {
    if (this.isRetired) return;
    this.isRetired = true;
    this.owner.retired(this);
    this.http2.close();
  }

  /** While exchanges are under way and the service is silent, asks whether it is there. */
  private readonly look = (): void => {
    const { bytesRead } = this.socket;
    const isSilent = bytesRead === this.bytesBefore;
    this.bytesBefore = bytesRead;
    if (!isSilent || this.streams === 0 || this.http2.destroyed) return;
    const timer = setTimeout(() => {
      this.destroy(coded('UND_ERR_BODY_TIMEOUT', 'it answers no PING (local.pingIntervalMs, local.connectTimeoutMs)'));
    }, this.settings.connectTimeoutMs);
    this.http2.ping(() => {
      clearTimeout(timer);
    });
  };

  private onClose(): void {
    clearTimeout(this.openTimer);
    clearTimeout(this.idleTimer);
    clearInterval(this.pingTimer);
    this.isRetired = true;
    this.owner.gone(this, this.opened ? undefined : openingFault(this.lost));
  }
}

/** A service of HTTP/1.1 answers with something else than SETTINGS, or ends the connection. */
function openingFault(lost: Error | undefined): Error {
  if (lost === undefined) return coded(NO_HTTP2, 'it ended the connection before its SETTINGS');
  const { code } = lost as NodeJS.ErrnoException;
  return code?.startsWith('ERR_HTTP2_') === true ? coded(NO_HTTP2, lost.message) : lost;
}
