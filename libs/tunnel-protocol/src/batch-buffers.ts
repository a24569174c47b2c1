import { MAX_BATCH_BYTES } from './frames.js';

/**
 * Size of a buffer that is used again. Above the largest batch, and odd enough
 * that no buffer of Node's own pool is taken for one of ours.
 */
const SLAB_BYTES = MAX_BATCH_BYTES + 192;
/** Batches below this come from Node's pool. */
const WORTH_KEEPING_BYTES = 16_384;
/** Slabs that wait for use in the whole process, 2 MiB. */
const MAX_FREE = 32;

const free: Buffer[] = [];

/**
 * Memory for one batch. Bulk data would otherwise leave 64 KiB of garbage
 * outside the heap per batch, which V8 collects late.
 */
export function takeBatchBuffer(size: number): Buffer {
  if (size < WORTH_KEEPING_BYTES || size > SLAB_BYTES) return Buffer.allocUnsafe(size);
  return (free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES)).subarray(0, size);
}

/** To be called once when the network has taken a batch; nobody may look at it afterwards. */
export function giveBatchBuffer(batch: Buffer): void {
  if (batch.buffer.byteLength !== SLAB_BYTES || free.length >= MAX_FREE) return;
  free.push(Buffer.from(batch.buffer));
}
