import type { Duplex } from 'node:stream';
import type { Corkable } from './backlog.js';
import type { Exchange } from './exchange.js';
import { PacedWriter } from './paced-writer.js';

/** Chunks up to this are written at once. */
const LONE_BYTES = 4096;

/**
 * A socket and an exchange as one pipe: bytes as they come, at the pace of
 * whoever takes them, and two halves that end independently. What becomes of
 * the exchange when the socket closes is for its owner to say.
 */
export class BytePipe extends PacedWriter {
  /** the socket has given its last byte, which may still wait for credit */
  ended = false;
  /** until the end of this turn */
  private corked = false;
  /** large chunks came in the last turn that brought any: a short one is their neighbour */
  private bulk = false;

  constructor(
    private readonly socket: Duplex,
    private readonly exchange: Exchange,
  ) {
    super();
  }

  /** @param early bytes that the socket gave before */
  begin(early: Buffer): void {
    const { socket, exchange } = this;
    const hasRoom = early.length === 0 || exchange.sendData(early);
    socket.on('data', this.send);
    // It may have ended before there was a pipe.
    if (socket.readableEnded) this.sendEnd();
    else socket.on('end', this.sendEnd);
    if (hasRoom) socket.resume();
    else socket.pause();
  }

  /** Bytes of the exchange. */
  data(bytes: Buffer): void {
    if (this.socket.destroyed) {
      this.exchange.consumed(bytes.length);
      return;
    }
    const isLarge = bytes.length > LONE_BYTES;
    if (this.corked) this.bulk ||= isLarge;
    else if (isLarge || this.bulk) this.cork(isLarge);
    this.write(bytes);
  }

  /** The other side has sent its last byte. */
  end(): void {
    this.finishInTurn();
  }

  /**
   * Both halves have ended in order, and what the socket gave last still has to
   * be sent: the socket's close is no reason to reset the exchange.
   */
  get isSendingLast(): boolean {
    return this.ended && this.socket.writableFinished && !this.exchange.sendEnded;
  }

  /** The exchange has room again. */
  writable(): void {
    this.socket.resume();
  }

  protected get target(): Duplex {
    return this.socket;
  }

  protected get network(): Corkable {
    return this.socket;
  }

  protected taken(bytes: number): void {
    this.exchange.consumed(bytes);
  }

  protected finish(): void {
    this.socket.end();
  }

  /** In bulk a batch brings several chunks, and one system call takes them all. */
  private cork(isLarge: boolean): void {
    this.corked = true;
    this.bulk = isLarge;
    this.socket.cork();
    process.nextTick(this.uncork);
  }

  private readonly uncork = (): void => {
    this.corked = false;
    this.socket.uncork();
  };

  private readonly send = (bytes: Buffer): void => {
    if (!this.exchange.sendData(bytes)) this.socket.pause();
  };

  private readonly sendEnd = (): void => {
    this.ended = true;
    this.exchange.sendEnd();
  };
}
