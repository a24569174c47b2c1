import { createHash } from 'node:crypto';

/** A prime length: no chunk size divides it, so a chunk lost, doubled or moved changes the checksum. */
const LENGTH = 1_048_573;

/** Bytes that look random and are the same in every process. */
export const pattern = ((): Buffer => {
  const bytes = Buffer.allocUnsafe(LENGTH);
  let state = 0x2545_f491;
  for (let i = 0; i < LENGTH; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
})();

const PIECE = 262_144;

/**
 * Bodies of `bytes` bytes: the pattern again and again, in pieces of at most 256 KiB.
 *
 * @param start byte of the pattern that a body begins with; bodies that begin elsewhere have nothing in common
 */
export function* pieces(bytes: number, start = 0): Generator<Buffer> {
  let left = bytes;
  for (let at = start % LENGTH; left > 0;) {
    const piece = pattern.subarray(at, Math.min(at + PIECE, LENGTH, at + left));
    yield piece;
    left -= piece.length;
    at = (at + piece.length) % LENGTH;
  }
}

export function checksum(bytes: number, start = 0): string {
  const hash = createHash('sha256');
  for (const piece of pieces(bytes, start)) hash.update(piece);
  return hash.digest('hex');
}
