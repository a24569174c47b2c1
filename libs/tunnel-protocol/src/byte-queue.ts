/** Shorter chunks are joined until they are as long, bytes. */
const JOIN_BELOW_BYTES = 16_384;

/**
 * Bytes in order for a consumer that lags. A peer decides how long chunks are,
 * and a Buffer of one byte costs some 200; joined, what waits costs at most
 * twice its bytes and {@link JOIN_BELOW_BYTES}.
 */
export class ByteQueue {
  private readonly whole: Buffer[] = [];
  /** being filled; a part of the queue's end */
  private tail: Buffer | undefined;
  private filled = 0;

  get empty(): boolean {
    return this.whole.length === 0 && this.filled === 0;
  }

  push(bytes: Buffer): void {
    const { length } = bytes;
    if (length >= JOIN_BELOW_BYTES) {
      this.seal();
      this.whole.push(bytes);
      return;
    }
    if (this.filled + length > JOIN_BELOW_BYTES) this.seal();
    // Not from Node's pool, which whoever keeps one byte of a slab keeps alive.
    this.tail ??= Buffer.allocUnsafeSlow(JOIN_BELOW_BYTES);
    bytes.copy(this.tail, this.filled);
    this.filled += length;
  }

  /** Takes the next chunk; undefined when nothing waits. */
  shift(): Buffer | undefined {
    if (this.whole.length === 0) this.seal();
    return this.whole.shift();
  }

  clear(): void {
    this.whole.length = 0;
    this.tail = undefined;
    this.filled = 0;
  }

  private seal(): void {
    const { tail, filled } = this;
    if (tail === undefined || filled === 0) return;
    if (filled < JOIN_BELOW_BYTES / 2) {
      const exact = Buffer.allocUnsafeSlow(filled);
      tail.copy(exact, 0, 0, filled);
      this.whole.push(exact);
      // Its bytes are elsewhere now: it is filled again.
    } else {
      this.whole.push(tail.subarray(0, filled));
      this.tail = undefined;
    }
    this.filled = 0;
  }
}
