import { ByteQueue } from '@berth/exchange';
import type { HeldBytes } from './held-bytes.js';

/** What one exchange holds of a body, as a part of what all of them may. */
export class HeldBody {
  private readonly queue = new ByteQueue();
  private count = 0;

  constructor(private readonly all: HeldBytes) {}

  get bytes(): number {
    return this.count;
  }

  /** @returns false when all exchanges together hold too much */
  push(bytes: Buffer): boolean {
    if (!this.all.take(bytes.length)) return false;
    this.count += bytes.length;
    this.queue.push(bytes);
    return true;
  }

  shift(): Buffer | undefined {
    const bytes = this.queue.shift();
    if (bytes !== undefined) this.release(bytes.length);
    return bytes;
  }

  /** All of it, in one piece; it stays. */
  whole(): Buffer {
    const all = allOf(this.queue);
    if (all.length > 0) this.queue.push(all);
    return all;
  }

  clear(): void {
    this.queue.clear();
    this.release(this.count);
  }

  private release(bytes: number): void {
    this.count -= bytes;
    this.all.release(bytes);
  }
}

/** Takes all bytes out of a queue, in one piece. */
export function allOf(queue: ByteQueue): Buffer {
  const parts: Buffer[] = [];
  for (let bytes = queue.shift(); bytes !== undefined; bytes = queue.shift()) parts.push(bytes);
  const [first] = parts;
  return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts);
}
