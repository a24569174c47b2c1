import { ByteQueue } from './byte-queue.js';

/** What takes the bytes: the socket itself, or a message on it, which may add framing. */
export interface ByteSink {
  /** @returns false when the socket will say 'drain' */
  write(bytes: Buffer): boolean;
}

/** Gathers writes into one: a `net.Socket`. */
export interface Corkable {
  cork(): void;
  uncork(): void;
}

/**
 * Bytes for a socket that is slower than the tunnel. It reports only that all
 * it was given has left; so it is given a portion at a time. Then a slow reader
 * is seen to make progress, and credit goes back while it does.
 *
 * Bound: one window of the exchange, see {@link ReceiveWindow}.
 */
export class Backlog {
  private readonly waiting = new ByteQueue();
  /** given to the socket since it was last empty, bytes */
  private given = 0;

  constructor(
    private readonly sink: ByteSink,
    private readonly portionBytes = PORTION_BYTES,
    private readonly directBytes = DIRECT_BYTES,
  ) {}

  get empty(): boolean {
    return this.given === 0;
  }

  /** Counts bytes that the sink has taken, and after which it wanted no more. */
  began(bytes: number): void {
    this.given += bytes;
  }

  /** Keeps bytes that come while it is not {@link empty}, and their order. */
  add(bytes: Buffer): void {
    const { waiting } = this;
    if (!waiting.empty || bytes.length < this.directBytes || this.given >= this.portionBytes) {
      waiting.push(bytes);
      return;
    }
    this.given += bytes.length;
    this.sink.write(bytes);
  }

  /**
   * The socket is empty: it gets the next portion.
   *
   * @param socket written to once for all of it; null when it is gone
   * @returns bytes that have left
   */
  drained(socket: Corkable | null): number {
    let left = this.given;
    this.given = 0;
    if (this.waiting.empty) return left;
    socket?.cork();
    let took = true;
    while (this.given < this.portionBytes) {
      const bytes = this.waiting.shift();
      if (bytes === undefined) break;
      this.given += bytes.length;
      took = this.sink.write(bytes) && took;
    }
    socket?.uncork();
    // So little that no 'drain' will come for it.
    if (took) {
      left += this.given;
      this.given = 0;
    }
    return left;
  }
}

/**
 * Large enough for one write to cost little beside its bytes; less would not
 * show more, since the kernel takes the next bytes in steps of a third of its
 * send buffer, 1.4 MB with Linux's usual limit.
 */
const PORTION_BYTES = 512 * 1024;

/** Shorter ones wait to be joined: a socket that lags would keep each of them as it is. */
const DIRECT_BYTES = 4096;
