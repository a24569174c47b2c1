import { BULK_BYTES, countBulk } from './dead-buffers.js';

/**
 * Size of a buffer that is used again: 64 KiB of a body with what frames them,
 * and odd enough that no buffer of Node's own pool is taken for one of ours.
 */
const SLAB_BYTES = 65_856;
/** Slabs that wait for use in the whole process, 2 MiB. */
const MAX_FREE = 32;

const free: Buffer[] = [];

/**
 * Memory for one message. Bulk data would otherwise leave 64 KiB of garbage
 * outside the heap per message, which V8 collects late.
 */
export function takeBuffer(size: number): Buffer {
  countBulk(size);
  if (size < BULK_BYTES || size > SLAB_BYTES) return Buffer.allocUnsafe(size);
  return (free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES)).subarray(0, size);
}

/** To be called once when the network has taken a message, whatever its memory is; nobody may look at it afterwards. */
export function giveBuffer(bytes: Buffer): void {
  if (bytes.buffer.byteLength !== SLAB_BYTES || free.length >= MAX_FREE) return;
  free.push(Buffer.from(bytes.buffer));
}
