import { Readable } from 'node:stream';
import { ByteQueue, JOIN_BELOW_BYTES } from '@berth/exchange';

/** Where undici writes the body to. */
export interface BodySocket {
  /** bytes that it has and the network does not */
  readonly writableLength: number;
  write(text: string, flushed: (error?: Error | null) => void): boolean;
}

/**
 * The body of a request on its way to the local service. Bytes wait in a queue
 * of their own, and count as consumed when the service's socket has passed them
 * on: so neither the stream's buffer nor the socket's hides a service that does
 * not read. While the socket has something, short chunks are joined in the
 * queue, because it would keep each of them as it is.
 */
export class RequestBody extends Readable {
  private readonly queue = new ByteQueue();
  private wanted = false;
  private complete = false;
  /** given to the socket, and not yet reported, bytes */
  private unreported = 0;
  private lookScheduled = false;
  /** undefined while there is no connection */
  socket: () => BodySocket | undefined = () => undefined;

  /** @param consumed told how many bytes the service has taken */
  constructor(private readonly consumed: (bytes: number) => void) {
    // One chunk at the most: what waits is to wait in the queue.
    super({ highWaterMark: 1 });
    // The exchange learns of faults by other ways; without a listener they would end the process.
    this.on('error', () => undefined);
  }

  add(bytes: Buffer): void {
    if (this.destroyed) return;
    const { queue } = this;
    const passesBy = this.wanted && queue.empty && (bytes.length >= JOIN_BELOW_BYTES || !this.socketIsBehind);
    if (passesBy) {
      this.give(bytes);
      return;
    }
    queue.push(bytes);
    // Otherwise `_read` comes when there is room.
    if (this.wanted) this.lookSoon();
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

  private get socketIsBehind(): boolean {
    return (this.socket()?.writableLength ?? 0) > 0;
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
    this.unreported += bytes.length;
    if (this.socketIsBehind) this.lookSoon();
    else this.report();
  }

  private report(bytes = this.unreported): void {
    this.unreported -= bytes;
    if (bytes > 0) this.consumed(bytes);
  }

  /** A socket says only in the next turn that the network took what it was given. */
  private lookSoon(): void {
    if (this.lookScheduled) return;
    this.lookScheduled = true;
    setImmediate(look, this);
  }

  /** Reports what has left, and goes on. */
  look(): void {
    this.lookScheduled = false;
    const socket = this.socket();
    if (socket === undefined || socket.writableLength === 0) {
      this.report();
      if (!this.destroyed) this.deliver();
      return;
    }
    const given = this.unreported;
    this.lookScheduled = true;
    // It lags. Nothing is written, but the callback comes when all before it has left.
    socket.write('', (error) => {
      this.lookScheduled = false;
      if (error) return;
      this.report(given);
      if (!this.destroyed) this.deliver();
      if (this.unreported > 0) this.lookSoon();
    });
  }
}

function look(body: RequestBody): void {
  body.look();
}
