import { ByteQueue, JOIN_BELOW_BYTES } from './byte-queue.js';

/** What takes the bytes: the socket itself, or a message on it, which may add framing. */
export interface ByteSink {
  /** bytes that wait in it */
  readonly writableLength: number;
  /** @param flushed called when the network has taken the bytes, or with the error that prevents it */
  write(bytes: Buffer, flushed?: (error?: Error | null) => void): boolean;
}

/** Gathers writes into one: a `net.Socket`. */
export interface Corkable {
  cork(): void;
  uncork(): void;
}

/**
 * Whether a chunk may be written past a {@link Backlog} that is empty, and
 * counts as taken: it is short, and nothing waits before it. That is how most
 * bodies go out, and costs nothing.
 */
export function passesBy(sink: ByteSink, bytes: Buffer): boolean {
  return bytes.length < JOIN_BELOW_BYTES && sink.writableLength === 0;
}

/**
 * Bytes for a socket that may be slower than the tunnel. It is given a portion
 * at a time, and they count as taken when the network has them: so a slow reader
 * is seen to make progress, and credit goes back while it does. What waits in
 * the socket still counts as held, and short chunks are joined before they get
 * there, because a socket would keep each of them as it is.
 *
 * Bound: one window of the exchange, see {@link ReceiveWindow}.
 */
export class Backlog {
  private readonly waiting = new ByteQueue();
  /** lengths of what the socket has and the network does not */
  private readonly lengths: number[] = [];
  /** their sum */
  private given = 0;

  /**
   * @param socket written to once for a whole portion; null when it is gone
   * @param taken told of bytes that have left; the last of them when it is {@link empty}
   */
  constructor(
    private readonly sink: ByteSink,
    private readonly socket: () => Corkable | null,
    private readonly taken: (bytes: number) => void,
    private readonly portionBytes = PORTION_BYTES,
  ) {}

  get empty(): boolean {
    return this.given === 0;
  }

  add(bytes: Buffer): void {
    const { waiting, given } = this;
    const waits = !waiting.empty || bytes.length < JOIN_BELOW_BYTES || given >= this.portionBytes;
    if (given > 0 && waits) waiting.push(bytes);
    else this.give(bytes);
  }

  private give(bytes: Buffer): void {
    this.given += bytes.length;
    this.lengths.push(bytes.length);
    this.sink.write(bytes, this.flushed);
  }

  private readonly flushed = (error?: Error | null): void => {
    // Whoever has the socket sees its end.
    if (error) return;
    const bytes = this.lengths.shift() ?? 0;
    this.given -= bytes;
    if (this.given === 0 && !this.waiting.empty) this.refill();
    this.taken(bytes);
  };

  private refill(): void {
    const socket = this.socket();
    socket?.cork();
    while (this.given < this.portionBytes) {
      const bytes = this.waiting.shift();
      if (bytes === undefined) break;
      this.give(bytes);
    }
    socket?.uncork();
  }
}

/**
 * Large enough for one write to cost little beside its bytes; less would not
 * show more, since the kernel takes the next bytes in steps of a third of its
 * send buffer, 1.4 MB with Linux's usual limit.
 */
const PORTION_BYTES = 512 * 1024;
