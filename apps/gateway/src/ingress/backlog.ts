import type { Socket } from 'node:net';

/** What takes the bytes: the socket itself, or a response on it, which may add framing. */
export interface ByteSink {
  /** @returns false when the socket will say 'drain' */
  write(bytes: Buffer): boolean;
}

/**
 * Bytes for a client that is slower than its agent. A socket reports only that
 * all it was given has left; so it is given a portion at a time. Then a slow
 * client is seen to make progress, and credit goes back while it does.
 *
 * Bound: one window of the exchange, see {@link ReceiveWindow}.
 */
export class Backlog {
  private readonly waiting: Buffer[] = [];
  /** given to the socket since it was last empty, bytes */
  private given = 0;

  constructor(
    private readonly sink: ByteSink,
    private readonly portionBytes = PORTION_BYTES,
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
    if (this.given >= this.portionBytes) {
      this.waiting.push(bytes);
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
  drained(socket: Socket | null): number {
    let left = this.given;
    this.given = 0;
    if (this.waiting.length === 0) return left;
    socket?.cork();
    let took = true;
    let i = 0;
    for (; i < this.waiting.length && this.given < this.portionBytes; i += 1) {
      const bytes = this.waiting[i] as Buffer;
      this.given += bytes.length;
      took = this.sink.write(bytes) && took;
    }
    this.waiting.splice(0, i);
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
 * Large enough for one write to cost little beside its bytes; small enough for
 * a client of 2 KB/s to be seen within the default idle timeout of 300 s.
 */
const PORTION_BYTES = 512 * 1024;
