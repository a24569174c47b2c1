import type { Socket } from 'node:net';
import { BerthError } from '@berth/errors';
import { FrameReader, MAX_FRAME_BYTES } from '../../wire/framing/frame-reader.js';
import type { FrameType } from '../../wire/shapes/frame-types.js';

/** How long the other side may take to notice that a connection was closed, ms. */
const CLOSE_GRACE_MS = 1000;

/** Who does not read gets no more than this to read, bytes. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/** Who takes what comes over a channel; it may be changed while the channel is paused. */
export interface ChannelReceiver {
  frame(type: FrameType, payload: Buffer): void;
  drained(): void;
  /** Once, and nothing after it. @param error undefined: in order */
  ended(error: BerthError | undefined): void;
}

/** Frames over a socket; what is wrong with them ends it. */
export class FrameChannel {
  private readonly reader: FrameReader;
  private isCorked = false;
  private isPaused = true;
  private isEnded = false;
  private fault: BerthError | undefined;
  private receiver: ChannelReceiver | undefined;

  /**
   * Reads nothing until somebody takes it.
   *
   * @param socket connected, or about to be
   * @param remote of the other side, for people
   */
  constructor(
    private readonly socket: Socket,
    readonly remote: string,
  ) {
    this.reader = new FrameReader((type, payload) => this.receiver?.frame(type, payload));
    socket.pause();
    socket.on('data', (bytes: Buffer) => {
      this.read(() => {
        this.reader.push(bytes, this.isStopped);
      });
    });
    socket.on('drain', () => this.receiver?.drained());
    socket.on('error', (error) => {
      this.fault ??= new BerthError('BERTH_CONNECTION_CLOSED', `the connection failed: ${error.message}`);
    });
    socket.on('close', () => {
      if (this.reader.unfinished > 0 && !this.isPaused) {
        this.fault ??= new BerthError('BERTH_PROTOCOL_ERROR', 'the connection ended within a frame');
      }
      this.end(this.fault);
    });
  }

  /** Has frames of up to so many bytes, the type included, taken by somebody from now on. */
  open(receiver: ChannelReceiver, maxBytes = MAX_FRAME_BYTES): void {
    this.receiver = receiver;
    this.reader.maxBytes = maxBytes;
    this.isPaused = false;
    this.read(() => {
      this.reader.again(this.isStopped);
    });
    if (!this.isStopped()) this.socket.resume();
  }

  /** Takes nothing until {@link open}. */
  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  /** @returns false when the sender should wait for `drained` */
  write(frame: Buffer): boolean {
    if (this.isEnded || this.socket.destroyed) return true;
    if (!this.isCorked) {
      this.isCorked = true;
      this.socket.cork();
      process.nextTick(this.uncork);
    }
    const hasRoom = this.socket.write(frame);
    if (this.socket.writableLength > MAX_QUEUED_BYTES) {
      this.fail(new BerthError('BERTH_CONNECTION_CLOSED', `it does not read: ${MAX_QUEUED_BYTES} bytes wait for it`));
    }
    return hasRoom;
  }

  /** Sends what is left and closes; nothing more is taken. */
  close(): void {
    if (this.isEnded) return;
    this.isPaused = true;
    // What still comes is read over: the other side's end would not be seen otherwise.
    this.receiver = undefined;
    this.socket.removeAllListeners('data');
    this.socket.resume();
    this.socket.end();
    const timer = setTimeout(() => {
      this.socket.destroy();
    }, CLOSE_GRACE_MS);
    timer.unref();
    this.socket.once('close', () => {
      clearTimeout(timer);
    });
    this.isEnded = true;
  }

  /** Breaks it off. */
  fail(error: BerthError): void {
    this.fault ??= error;
    this.socket.destroy();
    this.end(this.fault);
  }

  private end(error: BerthError | undefined): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.receiver?.ended(error);
  }

  private read(frames: () => void): void {
    try {
      frames();
    } catch (thrown) {
      if (!(thrown instanceof BerthError)) throw thrown;
      this.fail(thrown);
    }
  }

  private readonly uncork = (): void => {
    this.isCorked = false;
    this.socket.uncork();
  };

  private readonly isStopped = (): boolean => this.isPaused || this.isEnded;
}
