/**
 * Protobuf by hand, so that what is written and read is held to the numbers of the contract and not to our schema.
 */

/** A number: types int32, uint32, uint64 and bool. */
export function num(field: number, value: number | bigint): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

/** Text, bytes, or a message made of its fields. */
export function len(field: number, ...content: (string | Buffer)[]): Buffer {
  const bytes = Buffer.concat(content.map((one) => Buffer.from(one)));
  return Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
}

export function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([varint((field << 3) | 5), bytes]);
}

export function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([varint((field << 3) | 1), bytes]);
}

/** An entry of a map of texts. */
export function entry(field: number, key: string, value: string): Buffer {
  return len(field, len(1, key), len(2, value));
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}
