import { isUtf8 } from 'node:buffer';
import protobuf from 'protobufjs/minimal.js';

/** Groups within groups; no writer of proto3 makes any. */
const MAX_GROUP_DEPTH = 32;

/** A field's tag: its number and how its value is written. */
export const varintTag = (field: number): number => field << 3;
export const bytesTag = (field: number): number => (field << 3) | 2;
const KEY = bytesTag(1);
const VALUE = bytesTag(2);

/** Unlike the reader's own, it minds bytes that are missing or no UTF-8. @throws Error */
export function readText(reader: protobuf.Reader): string {
  const bytes = reader.bytes() as Buffer;
  if (!isUtf8(bytes)) throw new Error('a text is no UTF-8');
  return bytes.toString();
}

/** A 64-bit varint as decimal digits: a number would round what is above 2^53, and the reader's Long is not in every bundle. @throws Error */
export function readDigits(reader: protobuf.Reader): string {
  const start = reader.pos;
  reader.skip();
  const bytes = reader.buf.subarray(start, reader.pos);
  if (bytes.length > 10) throw new Error('a varint is longer than 10 bytes');
  const value = bytes.reduceRight((high, byte) => (high << 7n) | BigInt(byte & 0x7f), 0n);
  return BigInt.asUintN(64, value).toString();
}

/** Passes over the value of a field that nobody here knows. @throws Error */
export function skipField(reader: protobuf.Reader, tag: number, depth = 0): void {
  if (tag >>> 3 === 0) throw new Error('there is no field 0');
  if ((tag & 7) !== 3) {
    reader.skipType(tag & 7);
    return;
  }
  if (depth === MAX_GROUP_DEPTH) throw new Error('groups are nested too deeply');
  // It ends with its own number; the end of another one is refused as a field.
  for (let inner = reader.uint32(); inner !== tag + 1; inner = reader.uint32()) skipField(reader, inner, depth + 1);
}

/** One entry of a `map<string, string>`, into a record without a prototype: `__proto__` is a name like any other. @throws Error */
export function readEntry(
  of: protobuf.Reader,
  into = Object.create(null) as Record<string, string>,
): Record<string, string> {
  const reader = protobuf.Reader.create(of.bytes());
  let key = '';
  let value = '';
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === KEY) key = readText(reader);
    else if (tag === VALUE) value = readText(reader);
    else skipField(reader, tag);
  }
  into[key] = value;
  return into;
}

/** The entries of a `map<string, string>`. */
export function writeMap(writer: protobuf.Writer, tag: number, entries: Readonly<Record<string, string>>): void {
  for (const key in entries) {
    writer.uint32(tag).fork();
    writer
      .uint32(KEY)
      .string(key)
      .uint32(VALUE)
      .string(entries[key] as string);
    writer.ldelim();
  }
}
