/** Bytes before each gRPC message: whether it is compressed, and its length. */
const HEAD_BYTES = 5;

/** Counts the gRPC messages in a stream of bytes, however it is cut. */
export class MessageCounter {
  private headBytes = 0;
  private length = 0;
  private rest = 0;

  /** @returns how many messages' heads end in this piece */
  count(piece: Uint8Array): number {
    let messages = 0;
    for (let i = 0; i < piece.length;) {
      if (this.rest > 0) {
        const skipped = Math.min(this.rest, piece.length - i);
        this.rest -= skipped;
        i += skipped;
        continue;
      }
      if (this.headBytes > 0) this.length = this.length * 256 + (piece[i] ?? 0);
      i += 1;
      this.headBytes += 1;
      if (this.headBytes < HEAD_BYTES) continue;
      messages += 1;
      this.rest = this.length;
      this.headBytes = 0;
      this.length = 0;
    }
    return messages;
  }
}
