import type { ClientDuplexStream, ServerDuplexStream } from '@grpc/grpc-js';
import { BerthError } from '@berth/errors';
import { giveBuffer } from '@berth/exchange';
import type { TooLarge } from '../../link.js';
import { LinkBase } from '../link-base.js';

/** One message in a call, bytes; both sides of the original take so much. */
export const MAX_GRPC_MESSAGE_BYTES = 10 * 1024 * 1024;

/** With more than this under way the sender should wait, bytes. */
const HIGH_WATER_BYTES = 262_144;

/** Who does not read gets no more than this to read, bytes. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/**
 * Messages that are read before others have their turn: gRPC hands on all that came in one go, and what an agent sends
 * at once would hold up everybody.
 */
const MESSAGES_IN_A_TURN = 64;

/** Bytes that count as one more message: what is large is read longer. */
const BYTES_AS_MESSAGE = 4096;

/** What is said of a message that is too large. */
export function grpcLimit(maxMessageBytes: number): string {
  return `${maxMessageBytes} bytes in a message of gRPC`;
}

type Call = ClientDuplexStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

/** A link over a stream of gRPC whose handshake is done; who makes it tells it how the stream ends. */
export abstract class GrpcLink<Out, In> extends LinkBase<Out, In> {
  readonly transport = 'grpc';
  private queuedBytes = 0;
  /** messages, and bytes as such, since others had their turn */
  private taken = 0;
  private isFull = false;

  /** @param call paused */
  constructor(
    remote: string,
    protected readonly call: Call,
    private readonly maxMessageBytes: number,
  ) {
    super(remote);
  }

  send(message: Out, tooLarge?: TooLarge): boolean {
    if (this.isOver) return true;
    const bytes = this.encode(message);
    if (bytes.length > this.maxMessageBytes) {
      tooLarge?.(grpcLimit(this.maxMessageBytes));
      return !this.isFull;
    }
    this.queuedBytes += bytes.length;
    this.call.write(bytes, () => {
      // By then gRPC has its own copy, with the prefix before it.
      giveBuffer(bytes);
      this.sent(bytes.length);
    });
    if (this.queuedBytes > MAX_QUEUED_BYTES) {
      this.close(new BerthError('BERTH_CONNECTION_CLOSED', `it does not read: ${MAX_QUEUED_BYTES} bytes wait for it`));
    }
    this.isFull ||= this.queuedBytes > HIGH_WATER_BYTES;
    return !this.isFull;
  }

  close(error?: BerthError): void {
    if (this.isOver) return;
    this.over(error);
    this.finish(error);
  }

  /** The call has ended by itself. @param error undefined: in order */
  callEnded(error: BerthError | undefined): void {
    this.over(error);
  }

  protected abstract encode(message: Out): Buffer;

  /** @returns undefined for what nobody knows, which is passed over */
  protected abstract decode(bytes: Buffer): In | undefined;

  /** Ends the call. */
  protected abstract finish(error: BerthError | undefined): void;

  protected flow(): void {
    this.call.on('data', (bytes: Buffer) => {
      this.take(bytes);
    });
    this.call.resume();
  }

  private take(bytes: Buffer): void {
    if (this.isOver) return;
    let message: In | undefined;
    try {
      message = this.decode(bytes);
    } catch (thrown) {
      this.close(BerthError.from(thrown));
      return;
    }
    this.taken += 1 + bytes.length / BYTES_AS_MESSAGE;
    if (this.taken >= MESSAGES_IN_A_TURN) {
      this.taken = 0;
      this.call.pause();
      setImmediate(this.goOn);
    }
    if (message !== undefined) this.deliver(message);
  }

  private readonly goOn = (): void => {
    this.call.resume();
  };

  private sent(bytes: number): void {
    this.queuedBytes -= bytes;
    if (!this.isFull || this.queuedBytes > HIGH_WATER_BYTES / 2) return;
    this.isFull = false;
    this.drained();
  }
}
