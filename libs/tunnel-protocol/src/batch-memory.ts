import { dataBytesOf } from './batch-decoder.js';
import { JOIN_BELOW_BYTES } from '@berth/exchange';
import { MAX_BATCH_BYTES } from './frames.js';

/**
 * Whether a chunk that its consumer may keep would keep too much with it: a
 * view keeps the whole batch, and a peer decides what else is in there.
 *
 * Shorter chunks than {@link JOIN_BELOW_BYTES} are for the consumer to join, see
 * ByteQueue; and the first one, which mostly is taken at once, may keep a batch
 * of the usual size.
 *
 * @param waits whether the consumer lags already
 */
export function isWasteful(batch: Buffer, exchange: number, bytes: Buffer, waits: boolean): boolean {
  const kept = bytes.buffer.byteLength;
  if (kept - bytes.length > MAX_BATCH_BYTES) return true;
  if (!waits || bytes.length < JOIN_BELOW_BYTES || isMost(bytes.length, kept)) return false;
  return !isMost(dataBytesOf(batch, exchange), kept);
}

/** At least four fifths. */
function isMost(part: number, whole: number): boolean {
  return part * 5 >= whole * 4;
}

/** Not from Node's buffer pool, whose slabs are as large as a batch. */
export function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
