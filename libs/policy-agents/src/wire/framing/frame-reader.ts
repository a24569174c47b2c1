import { BerthError } from '@berth/errors';
import { type FrameType, frameTypeName, isFrameType } from '../shapes/frame-types.js';

/** Of one frame, its type included, bytes. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

const LENGTH_BYTES = 4;

/** What is kept of a frame that has not come as a whole begins with this, and doubles. */
const FIRST_KEPT_BYTES = 4096;

const NOTHING = Buffer.alloc(0);

/**
 * Cuts bytes into frames: a length of 4 bytes (big-endian, the type included), a type, a payload. What has come of an
 * unfinished frame is copied once or twice, and takes at most twice its size, whatever the frame says of itself.
 */
export class FrameReader {
  private kept = NOTHING;
  private keptBytes = 0;

  /**
   * @param take gets each frame; its payload is a view that stays valid
   * @param maxBytes of a frame, its type included
   */
  constructor(
    private readonly take: (type: FrameType, payload: Buffer) => void,
    public maxBytes = MAX_FRAME_BYTES,
  ) {}

  /** Bytes that were not taken. */
  get unfinished(): number {
    return this.keptBytes;
  }

  /**
   * @param isOver asked after each frame: nothing more is read of these bytes
   * @throws BerthError `BERTH_PROTOCOL_ERROR`; nothing can be read afterwards
   */
  push(bytes: Buffer, isOver?: () => boolean): void {
    let rest = this.keptBytes === 0 ? bytes : this.complete(bytes);
    while (rest.length >= LENGTH_BYTES && isOver?.() !== true) {
      const end = LENGTH_BYTES + this.lengthOf(rest);
      if (rest.length > LENGTH_BYTES) typeOf(rest);
      if (rest.length < end) break;
      this.take(typeOf(rest), rest.subarray(LENGTH_BYTES + 1, end));
      rest = rest.subarray(end);
    }
    if (rest.length > 0) this.keep(rest);
  }

  /** Reads what was left when `isOver` said so. */
  again(isOver?: () => boolean): void {
    const bytes = this.kept.subarray(0, this.keptBytes);
    this.kept = NOTHING;
    this.keptBytes = 0;
    this.push(bytes, isOver);
  }

  /** Takes as much as the unfinished frame needs, hands it on when it is whole, and returns what is left. */
  private complete(bytes: Buffer): Buffer {
    let rest = bytes;
    if (this.keptBytes < LENGTH_BYTES) {
      rest = this.take4(rest);
      if (this.keptBytes < LENGTH_BYTES) return NOTHING;
    }
    const end = LENGTH_BYTES + this.lengthOf(this.kept);
    const missing = end - this.keptBytes;
    this.keep(rest.subarray(0, missing));
    if (this.keptBytes > LENGTH_BYTES) typeOf(this.kept);
    if (this.keptBytes < end) return NOTHING;
    const frame = this.kept;
    this.kept = NOTHING;
    this.keptBytes = 0;
    this.take(typeOf(frame), frame.subarray(LENGTH_BYTES + 1, end));
    return rest.subarray(missing);
  }

  private take4(bytes: Buffer): Buffer {
    const missing = LENGTH_BYTES - this.keptBytes;
    this.keep(bytes.subarray(0, missing));
    return bytes.subarray(missing);
  }

  private keep(bytes: Buffer): void {
    const needed = this.keptBytes + bytes.length;
    if (needed > this.kept.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_KEPT_BYTES, needed, this.kept.length * 2));
      this.kept.copy(larger, 0, 0, this.keptBytes);
      this.kept = larger;
    }
    bytes.copy(this.kept, this.keptBytes);
    this.keptBytes = needed;
  }

  private lengthOf(frame: Buffer): number {
    const length = frame.readUInt32BE(0);
    if (length === 0) throw new BerthError('BERTH_PROTOCOL_ERROR', 'a frame of length 0');
    if (length > this.maxBytes) {
      throw new BerthError('BERTH_PROTOCOL_ERROR', `a frame of ${length} bytes; at most ${this.maxBytes} are taken`);
    }
    return length;
  }
}

function typeOf(frame: Buffer): FrameType {
  const type = frame[LENGTH_BYTES] as number;
  if (isFrameType(type)) return type;
  throw new BerthError('BERTH_PROTOCOL_ERROR', `a frame of unknown type ${frameTypeName(type)}`);
}
