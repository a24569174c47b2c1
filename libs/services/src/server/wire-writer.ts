/** Bytes of a 32-bit varint. */
export function varintLength(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** Bytes of a length-delimited field with a one-byte tag: fields 1..15. */
export function chunkLength(length: number): number {
  return 1 + varintLength(length) + length;
}

/** Text this short is copied by a loop, which is faster than a call into V8. */
const SHORT_TEXT = 64;

/** Bytes of a text in UTF-8. */
export function textLength(text: string): number {
  if (text.length > SHORT_TEXT) return Buffer.byteLength(text);
  for (let i = 0; i < text.length; i += 1) {
    if (text.charCodeAt(i) >= 0x80) return Buffer.byteLength(text);
  }
  return text.length;
}

/** Writes one protobuf message into a buffer whose size was worked out before. */
export class WireWriter {
  private position = 0;
  readonly bytes: Buffer;

  constructor(length: number) {
    this.bytes = Buffer.allocUnsafe(length);
  }

  /** A tag, a length or a value. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.position++] = rest;
  }

  chunk(tag: number, chunk: Uint8Array): void {
    this.varint(tag);
    this.varint(chunk.length);
    this.bytes.set(chunk, this.position);
    this.position += chunk.length;
  }

  /** @param length what {@link textLength} said */
  text(tag: number, text: string, length: number): void {
    this.varint(tag);
    this.varint(length);
    if (length === text.length && length <= SHORT_TEXT) {
      for (let i = 0; i < length; i += 1) this.bytes[this.position++] = text.charCodeAt(i);
    } else {
      this.bytes.write(text, this.position, length, 'utf8');
      this.position += length;
    }
  }
}

/** Bytes of the entries of a `map<string, string>`. */
export function mapLength(entries: Readonly<Record<string, string>>): number {
  let length = 0;
  for (const key in entries) length += chunkLength(entryLength(key, entries[key] as string));
  return length;
}

/** Writes the entries of a `map<string, string>`. */
export function writeMap(writer: WireWriter, tag: number, entries: Readonly<Record<string, string>>): void {
  for (const key in entries) {
    const value = entries[key] as string;
    writer.varint(tag);
    writer.varint(entryLength(key, value));
    writer.text(0x0a, key, textLength(key));
    writer.text(0x12, value, textLength(value));
  }
}

function entryLength(key: string, value: string): number {
  return chunkLength(textLength(key)) + chunkLength(textLength(value));
}
