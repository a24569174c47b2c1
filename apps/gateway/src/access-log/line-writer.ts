import { close, write } from 'node:fs';

/** What waits while the disk is slow; beyond it lines are dropped. */
export const MAX_WAITING_BYTES = 4 * 1_048_576;

/** What a {@link LineWriter} tells. */
export interface LineListener {
  /** lines found no room, or were left in a file that could not be written */
  dropped(lines: number): void;
  /** the file could not be written, or not be opened anew */
  failed(error: Error): void;
}

/** Writes whole lines to an open file, one batch after the other, and waits for none of them. */
export class LineWriter {
  private readonly waiting: { bytes: Buffer; lines: number }[] = [];
  private waitingBytes = 0;
  private isWriting = false;
  private onClosed: (() => void) | undefined;

  /** @param fd its own from now on */
  constructor(
    private readonly fd: number,
    private readonly listener: LineListener,
  ) {}

  /** @param bytes must not change afterwards @param lines that it has */
  add(bytes: Buffer, lines: number): void {
    if (this.waitingBytes + bytes.length > MAX_WAITING_BYTES) this.listener.dropped(lines);
    else {
      this.waitingBytes += bytes.length;
      this.waiting.push({ bytes, lines });
    }
    this.retry();
  }

  /** Goes on after a failure. */
  retry(): void {
    const [next] = this.waiting;
    if (next === undefined || this.isWriting) return;
    this.isWriting = true;
    write(this.fd, next.bytes, this.written);
  }

  /** Closes it once all is written; at a failure at once, for it would keep the file and its room on the disk. */
  end(onClosed: () => void): void {
    this.onClosed = onClosed;
    if (this.waiting.length === 0) this.close();
    else this.retry();
  }

  private readonly written = (error: Error | null, bytes: number): void => {
    this.isWriting = false;
    if (error !== null) {
      this.listener.failed(error);
      if (this.onClosed === undefined) return;
      this.listener.dropped(this.waiting.reduce((sum, { lines }) => sum + lines, 0));
      this.waiting.length = 0;
    } else this.take(bytes);
    if (this.waiting.length > 0) this.retry();
    else if (this.onClosed !== undefined) this.close();
  };

  /** A disk that is nearly full takes a part. */
  private take(bytes: number): void {
    const [first] = this.waiting;
    if (first === undefined) return;
    this.waitingBytes -= bytes;
    if (bytes < first.bytes.length) first.bytes = first.bytes.subarray(bytes);
    else this.waiting.shift();
  }

  private close(): void {
    close(this.fd, () => this.onClosed?.());
  }
}
