import { MAX_PARTS, tooMany } from './parts.js';

const MAX_DEPTH = 64;

/** Keys up to so many bytes are remembered: the protocol's names, and names of headers. */
const MAX_KEY_BYTES = 32;
/** Keys that are remembered; each has one place, which the next one takes. A power of two. */
const KEYS = 1024;

const NOTHING = Buffer.alloc(0);

interface Key {
  readonly bytes: Buffer;
  readonly text: string;
}

/**
 * Reads payloads of MessagePack in one pass: lists and maps are made as they are read, and counted before. Keys are
 * texts, which come again and again and are remembered; there are no extensions.
 */
export class MsgpackReader {
  private readonly keys: (Key | undefined)[] = Array.from<undefined>({ length: KEYS });
  private payload: Buffer = NOTHING;
  private at = 0;
  private parts = 0;
  private depth = 0;

  /** @param nameOf what a key is called in its object */
  constructor(private readonly nameOf: (key: string) => string) {}

  /**
   * Bytes in the value are parts of the payload.
   *
   * @throws Error when it is not one whole value, or has too many parts
   */
  read(payload: Buffer): unknown {
    this.payload = payload;
    this.at = this.parts = this.depth = 0;
    try {
      const value = this.value();
      if (this.at !== payload.length) throw new Error('the payload has more than one value');
      return value;
    } finally {
      this.payload = NOTHING;
    }
  }

  private value(): unknown {
    const head = this.byte();
    if (head < 0x80) return head;
    if (head >= 0xe0) return head - 0x100;
    if (head < 0x90) return this.map(head & 0x0f);
    if (head < 0xa0) return this.list(head & 0x0f);
    if (head < 0xc0) return this.text(head & 0x1f);
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.bytes(this.byte());
      case 0xc5:
        return this.bytes(this.unsigned(2));
      case 0xc6:
        return this.bytes(this.unsigned(4));
      case 0xca:
        return this.payload.readFloatBE(this.skip(4));
      case 0xcb:
        return this.payload.readDoubleBE(this.skip(8));
      case 0xcc:
        return this.byte();
      case 0xcd:
        return this.unsigned(2);
      case 0xce:
        return this.unsigned(4);
      case 0xcf:
        return Number(this.payload.readBigUInt64BE(this.skip(8)));
      case 0xd0:
        return this.payload.readInt8(this.skip(1));
      case 0xd1:
        return this.payload.readInt16BE(this.skip(2));
      case 0xd2:
        return this.payload.readInt32BE(this.skip(4));
      case 0xd3:
        return Number(this.payload.readBigInt64BE(this.skip(8)));
      case 0xd9:
        return this.text(this.byte());
      case 0xda:
        return this.text(this.unsigned(2));
      case 0xdb:
        return this.text(this.unsigned(4));
      case 0xdc:
        return this.list(this.unsigned(2));
      case 0xdd:
        return this.list(this.unsigned(4));
      case 0xde:
        return this.map(this.unsigned(2));
      case 0xdf:
        return this.map(this.unsigned(4));
      default:
        throw new Error(`the payload has a value of type 0x${head.toString(16)}`);
    }
  }

  private list(length: number): unknown[] {
    this.enter(length);
    const list: unknown[] = [];
    for (let i = 0; i < length; i += 1) list.push(this.value());
    this.depth -= 1;
    return list;
  }

  private map(length: number): Record<string, unknown> {
    this.enter(length * 2);
    const map: Record<string, unknown> = {};
    for (let i = 0; i < length; i += 1) {
      const key = this.key();
      map[key] = this.value();
    }
    this.depth -= 1;
    return map;
  }

  private enter(members: number): void {
    this.parts += members;
    if (this.parts > MAX_PARTS) throw tooMany();
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw new Error(`the payload is deeper than ${MAX_DEPTH}`);
  }

  private key(): string {
    const head = this.byte();
    if (head >= 0xa0 && head < 0xc0) return this.keyOf(head & 0x1f);
    if (head === 0xd9) return this.keyOf(this.byte());
    if (head === 0xda) return this.keyOf(this.unsigned(2));
    throw new Error('the payload has a key that is no text');
  }

  private keyOf(length: number): string {
    const { payload } = this;
    const at = this.skip(length);
    if (length === 0 || length > MAX_KEY_BYTES) return this.nameOf(payload.toString('utf8', at, at + length));
    const first = payload[at] as number;
    const last = payload[at + length - 1] as number;
    const place = (length * 293 + first * 31 + last * 7 + (payload[at + (length >> 1)] as number)) & (KEYS - 1);
    const known = this.keys[place];
    if (known?.bytes.length === length && payload.compare(known.bytes, 0, length, at, at + length) === 0)
      return known.text;
    const text = this.nameOf(payload.toString('utf8', at, at + length));
    this.keys[place] = { bytes: Buffer.from(payload.subarray(at, at + length)), text };
    return text;
  }

  private text(length: number): string {
    const at = this.skip(length);
    return this.payload.toString('utf8', at, at + length);
  }

  private bytes(length: number): Buffer {
    const at = this.skip(length);
    return this.payload.subarray(at, at + length);
  }

  private byte(): number {
    const byte = this.payload[this.at];
    if (byte === undefined) throw cutOff();
    this.at += 1;
    return byte;
  }

  private unsigned(bytes: 2 | 4): number {
    const at = this.skip(bytes);
    return bytes === 2 ? this.payload.readUInt16BE(at) : this.payload.readUInt32BE(at);
  }

  /** @returns where so many bytes begin */
  private skip(bytes: number): number {
    const { at } = this;
    if (at + bytes > this.payload.length) throw cutOff();
    this.at = at + bytes;
    return at;
  }
}

function cutOff(): Error {
  return new Error('the payload is cut off');
}
