import { randomFillSync } from 'node:crypto';
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
  readonly headBytes: number;
  readonly length: number;
  readonly masked: boolean;
}

const MAX_CONTROL_BYTES = 125;

/** Reads the frames of one direction. It is given bytes when it has no whole frame left, and keeps no more than one. */
export class FrameReader {
  private kept: Buffer[] = [];
  private bytes = 0;
  private head: Head | undefined;

  /**
   * @param masked they come from the client
   * @param maxBytes of a frame
   */
  constructor(
    private readonly masked: boolean,
    private readonly maxBytes: number,
  ) {}

  get buffered(): number {
    return this.bytes;
  }

  feed(bytes: Buffer): void {
    this.kept.push(bytes);
    this.bytes += bytes.length;
  }

  /** @returns the next frame, if all of it is there @throws WebSocketFault */
  next(): Frame | undefined {
    this.head ??= this.readHead();
    const { head } = this;
    if (head === undefined || this.bytes < head.headBytes + head.length) return undefined;
    const bytes = this.take(head.headBytes + head.length);
    this.head = undefined;
    const { compressed, fin, headBytes, opcode } = head;
    const payload = bytes.subarray(headBytes);
    if (!head.masked) return { compressed, fin, opcode, payload };
    return { compressed, fin, opcode, payload: xor(payload, bytes.subarray(headBytes - 4, headBytes)) };
  }

  private readHead(): Head | undefined {
    if (this.bytes < 2) return undefined;
    const at = this.peek(14);
    const [first = 0, second = 0] = at;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const masked = (second & 0x80) !== 0;
    const headBytes = 2 + lengthBytes + (masked ? 4 : 0);
    const opcode = first & 0x0f;
    const fin = (first & 0x80) !== 0;
    if ((first & 0x30) !== 0) throw new WebSocketFault(1002, 'a frame with bits that no extension has');
    if (masked !== this.masked)
      throw new WebSocketFault(1002, masked ? 'a masked frame of a server' : 'a frame of a client that is not masked');
    if ((opcode > 2 && opcode < 8) || opcode > 10) throw new WebSocketFault(1002, 'a frame of an unknown kind');
    if (opcode >= 8 && (!fin || short > MAX_CONTROL_BYTES))
      throw new WebSocketFault(1002, 'a control frame in parts, or a long one');
    if (this.bytes < headBytes) return undefined;
    const length = lengthBytes === 0 ? short : lengthBytes === 2 ? at.readUInt16BE(2) : Number(at.readBigUInt64BE(2));
    if (length > this.maxBytes && opcode < 8) throw WebSocketFault.tooLarge(this.maxBytes);
    return { opcode, fin, compressed: (first & 0x40) !== 0, headBytes, length, masked };
  }

  /** The first bytes, at most so many. */
  private peek(most: number): Buffer {
    const [first = Buffer.alloc(0)] = this.kept;
    return first.length >= most || this.kept.length === 1
      ? first
      : Buffer.concat(this.kept, Math.min(most, this.bytes));
  }

  private take(count: number): Buffer {
    const [first] = this.kept;
    const all = first !== undefined && this.kept.length === 1 ? first : Buffer.concat(this.kept, this.bytes);
    this.bytes -= count;
    this.kept = this.bytes > 0 ? [all.subarray(count)] : [];
    return all.subarray(0, count);
  }
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
