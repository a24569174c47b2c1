/** Groups within groups; no writer of proto3 makes any. */
const MAX_GROUP_DEPTH = 32;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A field's tag: its number and how its value is written. */
export const varintTag = (field: number): number => field << 3;
export const bytesTag = (field: number): number => (field << 3) | 2;

/**
 * Reads one protobuf message. It is written by hand because a call's request is
 * read into one flat object, without the message objects, maps and Longs that a
 * generic decoder makes on the way.
 *
 * All its methods throw an Error for bytes that are no protobuf message.
 */
export class WireReader {
  private position = 0;
  private readonly end: number;

  constructor(private readonly bytes: Buffer) {
    this.end = bytes.length;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  /** Low 32 bits of a varint. */
  uint32(): number {
    const { bytes, end } = this;
    let at = this.position;
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw cut();
      const byte = bytes[at++] as number;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.position = at;
        return value >>> 0;
      }
    }
    throw new Error('a varint is longer than 10 bytes');
  }

  /** A 64-bit varint as decimal digits: a number would round what is above 2^53. */
  uint64(): string {
    const { bytes, end } = this;
    let at = this.position;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= end) throw cut();
      const byte = bytes[at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.position = at;
        return BigInt.asUintN(64, value).toString();
      }
    }
    throw new Error('a varint is longer than 10 bytes');
  }

  tag(): number {
    const tag = this.uint32();
    if (tag < 8) throw new Error('a field has number 0');
    return tag;
  }

  /** A length-delimited value, as a view of the message. */
  chunk(): Buffer {
    const start = this.skipChunk();
    return this.bytes.subarray(start, this.position);
  }

  /** Text; names and ids are nearly always ASCII, which needs no decoder. */
  text(): string {
    const start = this.skipChunk();
    const { bytes, position } = this;
    for (let i = start; i < position; i += 1) {
      if ((bytes[i] as number) >= 0x80) return strict.decode(bytes.subarray(start, position));
    }
    return bytes.toString('latin1', start, position);
  }

  /** Passes over the value of a field that nobody here knows. */
  skip(tag: number, depth = 0): void {
    switch (tag & 7) {
      case 0:
        this.uint32();
        return;
      case 1:
        this.forward(8);
        return;
      case 2:
        this.skipChunk();
        return;
      case 3:
        if (depth === MAX_GROUP_DEPTH) throw new Error('groups are nested too deeply');
        for (;;) {
          const inner = this.tag();
          if ((inner & 7) === 4) {
            if (inner >>> 3 !== tag >>> 3) throw new Error('a group ends that did not begin');
            return;
          }
          this.skip(inner, depth + 1);
        }
      case 5:
        this.forward(4);
        return;
      default:
        throw new Error('a field has an unknown wire type');
    }
  }

  private skipChunk(): number {
    const length = this.uint32();
    const start = this.position;
    this.forward(length);
    return start;
  }

  private forward(length: number): void {
    if (length > this.end - this.position) throw cut();
    this.position += length;
  }
}

function cut(): Error {
  return new Error('the message ends within a field');
}
