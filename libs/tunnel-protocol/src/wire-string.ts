/**
 * Protobuf fields built as Latin-1 strings: one character per byte.
 *
 * Heads consist of strings already. Joining strings is nearly free in V8, and
 * one native write turns the whole batch into bytes, where a write per field
 * would cross into native code some forty times per request.
 */

const CHAR: readonly string[] = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

/** `value` (0..2^32-1) as a base-128 varint. */
export function varint(value: number): string {
  if (value < 0x80) return CHAR[value] as string;
  let out = '';
  let rest = value;
  while (rest >= 0x80) {
    out += CHAR[(rest & 0x7f) | 0x80] as string;
    rest >>>= 7;
  }
  return out + (CHAR[rest] as string);
}

/** Field key as a string; `wireType` 0 varint, 2 length-delimited. */
export function fieldKey(field: number, wireType: 0 | 2): string {
  return varint((field << 3) | wireType);
}

/** A length-delimited value without its key. */
export function delimited(bytes: string): string {
  return varint(bytes.length) + bytes;
}
