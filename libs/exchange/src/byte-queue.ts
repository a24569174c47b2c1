/** Shorter chunks are joined into blocks of this size, bytes. */
export const JOIN_BELOW_BYTES = 16_384;
/** What the first short chunk takes at least, bytes: many who wait have very little. */
const LEAST_BLOCK_BYTES = 1024;

/**
 * Bytes in order for a consumer that lags. A peer decides how long chunks are,
 * a Buffer of one byte costs some 200, and a view into a batch keeps the whole
 * batch. So short chunks are copied into blocks: what waits costs its bytes, and
 * one block that is not full. Longer ones are kept as they are.
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
    for (let at = 0; at < length;) {
      const copied = bytes.copy(this.tailFor(length - at), this.filled, at);
      at += copied;
      this.filled += copied;
      if (this.filled === JOIN_BELOW_BYTES) this.seal();
    }
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

  /** A block with room for at least a part of `bytes` more. */
  private tailFor(bytes: number): Buffer {
    const { tail, filled } = this;
    if (tail !== undefined && (filled + bytes <= tail.length || tail.length === JOIN_BELOW_BYTES)) return tail;
    const size = Math.max(LEAST_BLOCK_BYTES, 2 * filled, filled + bytes);
    // Not from Node's pool, which whoever keeps one byte of a slab keeps alive.
    const larger = Buffer.allocUnsafeSlow(Math.min(size, JOIN_BELOW_BYTES));
    tail?.copy(larger, 0, 0, filled);
    this.tail = larger;
    return larger;
  }

  private seal(): void {
    const { tail, filled } = this;
    if (tail === undefined || filled === 0) return;
    if (filled < tail.length) {
      const exact = Buffer.allocUnsafeSlow(filled);
      tail.copy(exact, 0, 0, filled);
      this.whole.push(exact);
      // Its bytes are elsewhere now: it is filled again.
    } else {
      this.whole.push(tail);
      this.tail = undefined;
    }
    this.filled = 0;
  }
}
