import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { BerthError } from '@berth/errors';
import { lingeringEnd } from './linger.js';
import type { PipelineBudget } from './pipeline-budget.js';

/** A response that a client connection waits for. */
export interface PendingAnswer {
  /** the client cannot take an answer any more */
  clientGone(): void;
  /**
   * What the client sends is no HTTP any more.
   *
   * @returns whether that concerns the request being answered, which has been seen to
   */
  requestBroken(error: BerthError): boolean;
}

/**
 * One connection of a client. It answers requests one at a time, so a client
 * that pipelines takes no more than one exchange, and it decides when a client
 * that closed its half is really gone.
 */
export class ClientConnection {
  /** set while an exchange runs for the client */
  current: PendingAnswer | undefined;
  /** the connection is one too many: the answer to what is asked on it */
  refusal: BerthError | undefined;
  /** what the client sends cannot be read any more */
  broken: BerthError | undefined;
  /** a request whose answer is complete while its body still comes */
  unread: IncomingMessage | undefined;
  /** a request that asked for an upgrade and is relayed as a plain one */
  declined: IncomingMessage | undefined;
  /** the answer being sent is the last one */
  closing = false;
  /** what has been taken is the last */
  private full = false;
  private busy = false;
  private readonly waiting: (() => void)[] = [];
  private paused = false;
  /** of those that wait, how many the budget counts */
  private counted = 0;

  constructor(
    private readonly socket: Socket,
    private readonly halfCloseGraceMs: number,
    private readonly budget: PipelineBudget,
  ) {
    socket.once('end', this.onHalfClosed);
  }

  /**
   * Runs `begin` now, or when the answers before it have left. Whoever begins
   * calls {@link answered} in the end. A connection whose requests have no room
   * to wait in is cut off.
   */
  enqueue(begin: () => void): void {
    if (this.closing || this.socket.destroyed) return;
    if (this.full) {
      // Nobody will answer it, and Node keeps it until the connection ends.
      this.stopReading();
      return;
    }
    if (!this.busy) {
      this.busy = true;
      begin();
      return;
    }
    this.waiting.push(begin);
    if (this.waiting.length < PAUSE_AT) return;
    this.stopReading();
    if (this.waiting.length === PAUSE_AT) return;
    if (this.budget.take()) {
      if (this.counted === 0) this.socket.once('close', this.drop);
      this.counted += 1;
    } else {
      this.drop();
      this.socket.destroy();
    }
  }

  /** Once the parser is through with what was read: it resumes the socket at the end of each message. */
  private stopReading(): void {
    if (this.paused) return;
    this.paused = true;
    process.nextTick(pauseIfMeant, this);
  }

  pauseIfMeant(): void {
    if (this.paused) this.socket.pause();
  }

  /** To be called when the current answer has left or failed. */
  answered(): void {
    this.current = undefined;
    this.busy = false;
    const next = this.waiting.shift();
    if (this.counted > 0) {
      this.counted -= 1;
      this.budget.giveBack(1);
      if (this.counted === 0) this.socket.removeListener('close', this.drop);
    }
    if (this.paused && !this.full && this.waiting.length < PAUSE_AT) {
      this.paused = false;
      this.socket.resume();
    }
    if (next === undefined || this.socket.destroyed) return;
    this.busy = true;
    next();
  }

  /**
   * The answer being sent is the last one. Requests behind it are dropped, and
   * what still comes is read to nowhere for a while: a connection that is closed
   * with unread bytes is reset, and the answer may be lost with it.
   */
  lastAnswer(): void {
    if (this.closing) return;
    this.closing = true;
    this.drop();
    this.takeNoMore();
  }

  /** Forgets what waits. */
  private readonly drop = (): void => {
    this.waiting.length = 0;
    this.budget.giveBack(this.counted);
    this.counted = 0;
    this.socket.removeListener('close', this.drop);
  };

  /** The request taken last is the last: the connection ends with its answer, and what comes behind it is dropped. */
  takeNoMore(): void {
    this.full = true;
    // Node's HTTP server calls this after an answer that says `Connection: close`.
    this.socket.destroySoon = lingeringEnd;
  }

  /**
   * A FIN alone does not tell a client that left from one that only has no more
   * to ask. Whoever is there takes bytes; to whoever left, the first bytes come
   * back as a reset. With no bytes to send for a while, the client counts as gone.
   */
  private readonly onHalfClosed = (): void => {
    if (this.current === undefined) return;
    const before = this.socket.bytesWritten;
    const judge = (): void => {
      // One that still has bytes to take may be slow; had it left, they would have come back as a reset.
      if (this.socket.bytesWritten === before && this.socket.writableLength === 0) this.current?.clientGone();
    };
    // At the end of the turn: when this process has not run for a while, timers come before the answer that has arrived.
    const timer = setTimeout(() => {
      setImmediate(judge);
    }, this.halfCloseGraceMs);
    timer.unref();
    this.socket.once('close', () => {
      clearTimeout(timer);
    });
  };
}

function pauseIfMeant(client: ClientConnection): void {
  client.pauseIfMeant();
}

/** Requests that wait behind the current one before the socket is no longer read. One read can bring more: 64 KiB of them. */
const PAUSE_AT = 16;

const connections = new WeakMap<Duplex, ClientConnection>();

/** Makes the state of a client's socket; once, when it is accepted. */
export function trackClient(socket: Duplex, halfCloseGraceMs: number, budget: PipelineBudget): ClientConnection {
  const client = new ClientConnection(socket as Socket, halfCloseGraceMs, budget);
  connections.set(socket, client);
  return client;
}

/** The state of a socket that {@link trackClient} has seen. */
export function clientOf(socket: Duplex): ClientConnection {
  return connections.get(socket) as ClientConnection;
}
