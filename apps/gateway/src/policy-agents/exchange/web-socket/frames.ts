import { randomFillSync } from 'node:crypto';
import { ByteQueue } from '@berth/exchange';
import { allOf } from '../held-body.js';
import { WebSocketFault } from './fault.js';

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame (RFC 6455 section 5.2), unmasked. */
export interface Frame {
  readonly opcode: number;
  readonly fin: boolean;
  /** RSV1: the message is compressed */
  readonly compressed: boolean;
  readonly payload: Buffer;
}

interface Head extends Omit<Frame, 'payload'> {
  readonly length: number;
  /** undefined: not masked */
  readonly mask: Buffer | undefined;
}

const NOTHING = Buffer.alloc(0);
const MAX_CONTROL_BYTES = 125;
const MAX_HEAD_BYTES = 14;

/** Reads the frames of one direction: is given bytes when it has no whole frame left, and keeps no more than one. */
export class FrameReader {
  /** of the head, while it is not whole */
  private readonly headBytes = Buffer.alloc(MAX_HEAD_BYTES);
  private headCount = 0;
  private head: Head | undefined;
  /** of the payload, while it is not whole: in blocks, because a peer decides how small the parts are */
  private readonly parts = new ByteQueue();
  private partBytes = 0;
  private input: Buffer = NOTHING;

  /**
   * @param masked they come from the client
   * @param maxBytes of a frame
   */
  constructor(
    private readonly masked: boolean,
    private readonly maxBytes: number,
  ) {}

  get buffered(): number {
    return this.headCount + this.partBytes + this.input.length;
  }

  /** @param bytes after {@link next} has returned undefined */
  feed(bytes: Buffer): void {
    this.input = bytes;
  }

  /** @returns the next frame, if all of it is there @throws WebSocketFault */
  next(): Frame | undefined {
    this.head ??= this.readHead();
    const { head } = this;
    if (head === undefined) return undefined;
    const bytes = this.readPayload(head.length);
    if (bytes === undefined) return undefined;
    this.head = undefined;
    this.headCount = 0;
    const { compressed, fin, mask, opcode } = head;
    return { compressed, fin, opcode, payload: mask === undefined ? bytes : xor(bytes, mask) };
  }

  private readHead(): Head | undefined {
    if (!this.hasHead(2)) return undefined;
    const { headBytes } = this;
    const [first = 0, second = 0] = headBytes;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const masked = (second & 0x80) !== 0;
    const opcode = first & 0x0f;
    const fin = (first & 0x80) !== 0;
    if ((first & 0x30) !== 0) throw new WebSocketFault(1002, 'a frame with bits that no extension has');
    if (masked !== this.masked)
      throw new WebSocketFault(1002, 'a frame that is masked and must not be, or the reverse');
    if ((opcode > 2 && opcode < 8) || opcode > 10) throw new WebSocketFault(1002, 'a frame of an unknown kind');
    if (opcode >= 8 && (!fin || short > MAX_CONTROL_BYTES))
      throw new WebSocketFault(1002, 'a control frame in parts, or a long one');
    const maskAt = 2 + lengthBytes;
    if (!this.hasHead(maskAt + (masked ? 4 : 0))) return undefined;
    const length = lengthIn(headBytes, short);
    if (length > this.maxBytes && opcode < 8) throw WebSocketFault.tooLarge(this.maxBytes);
    const mask = masked ? Buffer.from(headBytes.subarray(maskAt, maskAt + 4)) : undefined;
    return { opcode, fin, compressed: (first & 0x40) !== 0, length, mask };
  }

  /** Moves bytes of the head to their place. @returns whether so many are there */
  private hasHead(count: number): boolean {
    const taken = this.input.copy(this.headBytes, this.headCount, 0, Math.max(0, count - this.headCount));
    this.headCount += taken;
    this.input = this.input.subarray(taken);
    return this.headCount >= count;
  }

  private readPayload(length: number): Buffer | undefined {
    const part = this.input.subarray(0, length - this.partBytes);
    this.input = this.input.subarray(part.length);
    if (part.length === length) return part;
    this.parts.push(part);
    this.partBytes += part.length;
    if (this.partBytes < length) return undefined;
    this.partBytes = 0;
    return allOf(this.parts);
  }
}

/** @param short the length as the second byte has it */
function lengthIn(headBytes: Buffer, short: number): number {
  if (short < 126) return short;
  return short === 126 ? headBytes.readUInt16BE(2) : Number(headBytes.readBigUInt64BE(2));
}

/** @param masked it goes to a server */
export function frameOf(opcode: number, payload: Buffer, masked: boolean, compressed = false): Buffer {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const headBytes = 2 + lengthBytes + (masked ? 4 : 0);
  const frame = Buffer.allocUnsafe(headBytes + length);
  frame[0] = 0x80 | (compressed ? 0x40 : 0) | opcode;
  frame[1] = (masked ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  if (!masked) {
    payload.copy(frame, headBytes);
    return frame;
  }
  const mask = randomFillSync(frame.subarray(headBytes - 4, headBytes));
  xor(payload, mask).copy(frame, headBytes);
  return frame;
}

/** @param code of the close @param reason cut to what a frame holds */
export function closeFrame(code: number, reason: string, masked: boolean): Buffer {
  const payload = Buffer.alloc(2 + Math.min(Buffer.byteLength(reason), MAX_CONTROL_BYTES - 2));
  payload.writeUInt16BE(code);
  // Writes whole characters only.
  const written = payload.write(reason, 2);
  return frameOf(Opcode.close, payload.subarray(0, 2 + written), masked);
}

function xor(payload: Buffer, mask: Buffer): Buffer {
  const changed = Buffer.allocUnsafe(payload.length);
  for (let i = 0; i < payload.length; i += 1) changed[i] = (payload[i] as number) ^ (mask[i & 3] as number);
  return changed;
}
