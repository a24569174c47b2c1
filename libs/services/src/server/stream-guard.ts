import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { MEMORY_FULL, type Refusal, refuseStream, SIDE_STREAMS_FULL, STREAMS_FULL } from './refusals.js';
import type { ServerSettings } from './server-options.js';
import { INVOKE_FN_PATH, INVOKE_OBJ_PATH } from '../wire/requests.js';

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
const SWEEP_MS = 1000;

/** Streams that are meant to stay open. */
const LASTING = new Set([
  '/grpc.health.v1.Health/Watch',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
]);

type Kind = 'call' | 'side' | 'lasting';

/** A call that was admitted. */
export interface CallOwner {
  refuse(refusal: Refusal): void;
}

/** What one stream costs. */
export interface Account {
  readonly kind: Kind;
  bytes: number;
  /** pieces of the request so far */
  chunks: number;
  /** who has the whole request, until it replies; the deadline of the call is what ends it */
  owner: CallOwner | undefined;
  /** the stream is gone; what a method still runs on stays counted */
  closed: boolean;
  /** sweep in which it began to arrive, or its reply to leave */
  since: number;
}

export type GuardSettings = Pick<
  ServerSettings,
  'maxConcurrentCalls' | 'maxQueuedCalls' | 'maxHeldBytes' | 'maxMessageBytes' | 'transferTimeoutMs'
>;

/**
 * Bounds what callers cost before anybody knows them: streams, bytes of their
 * requests and of replies that they do not take, and time. HTTP/2 bounds only
 * single connections, and grpc-js gathers a message of the full size for each
 * stream, so that a few callers with stalled uploads could take all memory.
 */
export class StreamGuard {
  private readonly accounts = new Map<ServerHttp2Stream, Account>();
  private readonly most: Readonly<Record<Kind, number>>;
  private readonly open: Record<Kind, number> = { call: 0, side: 0, lasting: 0 };
  private readonly maxSweeps: number;
  private sweeps = 0;
  private held = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly settings: GuardSettings) {
    const call = settings.maxConcurrentCalls + settings.maxQueuedCalls + MAX_ARRIVING;
    this.most = { call, side: MAX_SIDE_STREAMS, lasting: MAX_LASTING_STREAMS };
    this.maxSweeps = Math.ceil(settings.transferTimeoutMs / SWEEP_MS);
  }

  /** Bytes counted against `maxHeldBytes`. */
  get heldBytes(): number {
    return this.held;
  }

  /** Streams that have not closed. */
  get openStreams(): number {
    return this.accounts.size;
  }

  /** @returns whether grpc-js may have the stream; otherwise it has been answered */
  admit(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const kind = kindOf(headers[':path']);
    const full = this.open[kind] >= this.most[kind];
    const compressed = isCompressed(headers['grpc-encoding']);
    if (full || (compressed && this.held + this.settings.maxMessageBytes > this.settings.maxHeldBytes)) {
      const streamsFull = kind === 'call' ? STREAMS_FULL : SIDE_STREAMS_FULL;
      refuseStream(stream, full ? streamsFull : MEMORY_FULL);
      return false;
    }
    const account: Account = { kind, bytes: 0, chunks: 0, owner: undefined, closed: false, since: this.sweeps };
    this.accounts.set(stream, account);
    this.open[kind] += 1;
    // What a compressed message becomes shows only when it is in memory.
    if (compressed) this.count(account, this.settings.maxMessageBytes);
    stream.on('data', (chunk: Buffer) => {
      this.arrived(stream, account, chunk.length);
    });
    stream.once('close', () => {
      this.accounts.delete(stream);
      account.closed = true;
      if (account.owner === undefined) this.held -= account.bytes;
      this.open[kind] -= 1;
    });
    this.timer ??= setInterval(this.sweep, SWEEP_MS).unref();
    return true;
  }

  /** The request is whole and has been taken over. */
  taken(stream: ServerHttp2Stream, owner: CallOwner): Account | undefined {
    const account = this.accounts.get(stream);
    if (account !== undefined) account.owner = owner;
    return account;
  }

  /** Whether a reply of so many bytes can be held until its caller takes it. */
  fits(replyBytes: number): boolean {
    return this.held + replyBytes <= this.settings.maxHeldBytes;
  }

  /** Its owner is done with the request, and about to write a reply of so many bytes. */
  released(account: Account | undefined, replyBytes: number): void {
    if (account?.owner === undefined) return;
    account.owner = undefined;
    account.since = this.sweeps;
    if (account.closed) this.held -= account.bytes;
    else this.count(account, replyBytes);
  }

  /** Ends what is no invocation or has not arrived, but for what is answered already: for a server that stops. */
  refuseIdle(): void {
    for (const [stream, { kind, owner }] of this.accounts) {
      const answered = kind === 'call' ? stream.headersSent : stream.writableEnded;
      // It says to the client that no method has seen the call.
      if (owner === undefined && !answered) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    }
  }

  /** Ends the invocations that have no reply yet. */
  refuseRunning(refusal: Refusal): void {
    for (const { owner } of this.accounts.values()) owner?.refuse(refusal);
  }

  close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private arrived(stream: ServerHttp2Stream, account: Account, bytes: number): void {
    // Answered before it was whole: grpc-js drops the rest, and so is nothing held.
    if (stream.headersSent && account.kind !== 'lasting') return;
    account.chunks += 1;
    const extra = account.chunks > FREE_CHUNKS + account.bytes / FREE_CHUNK_BYTES;
    this.count(account, extra ? bytes + EXTRA_CHUNK_BYTES : bytes);
    const tooMuch = account.kind !== 'call' && account.bytes > MAX_SIDE_BYTES;
    // gRPC clients read this reset as RESOURCE_EXHAUSTED.
    if (tooMuch || this.held > this.settings.maxHeldBytes) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  private count(account: Account, bytes: number): void {
    account.bytes += bytes;
    this.held += bytes;
  }

  private readonly sweep = (): void => {
    this.sweeps += 1;
    if (this.accounts.size === 0) {
      this.close();
      return;
    }
    for (const [stream, account] of this.accounts) {
      const late = this.sweeps - account.since > this.maxSweeps;
      if (late && account.owner === undefined && account.kind !== 'lasting') stream.close(constants.NGHTTP2_CANCEL);
    }
  };
}

function kindOf(path: string | undefined): Kind {
  if (path === INVOKE_FN_PATH || path === INVOKE_OBJ_PATH) return 'call';
  return path !== undefined && LASTING.has(path) ? 'lasting' : 'side';
}

function isCompressed(encoding: string | string[] | undefined): boolean {
  return encoding !== undefined && encoding !== 'identity';
}
