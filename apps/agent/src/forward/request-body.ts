import { Readable } from 'node:stream';
import { ByteQueue } from '#tunnel-protocol';

/**
 * The body of a request on its way to the local service. Bytes wait in a queue
 * of their own, and count as consumed when the service's socket asks for them:
 * so the stream's buffer never hides a service that does not read.
 */
export class RequestBody extends Readable {
  private readonly queue = new ByteQueue();
  private wanted = false;
  private complete = false;

  /** @param consumed told how many bytes the service has taken */
  constructor(private readonly consumed: (bytes: number) => void) {
    super({ highWaterMark: 65_536 });
    // The exchange learns of faults by other ways; without a listener they would end the process.
    this.on('error', () => undefined);
  }

  add(bytes: Buffer): void {
    if (this.destroyed) return;
    if (this.wanted && this.queue.empty) this.give(bytes);
    else this.queue.push(bytes);
  }

  finish(): void {
    this.complete = true;
    this.deliver();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.queue.clear();
    callback(error);
  }

  override _read(): void {
    this.wanted = true;
    this.deliver();
  }

  private deliver(): void {
    while (this.wanted) {
      const bytes = this.queue.shift();
      if (bytes === undefined) {
        if (this.complete) {
          this.wanted = false;
          this.push(null);
        }
        return;
      }
      this.give(bytes);
    }
  }

  private give(bytes: Buffer): void {
    this.wanted = this.push(bytes);
    this.consumed(bytes.length);
  }
}
