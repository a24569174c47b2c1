/**
 * What a decoder made of a message of this protocol: fields by their names on the wire. Absent ones come as nothing,
 * or from a prototype with the defaults of protobuf.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** @throws Error when the value is no message */
export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is no object`);
  return value as Fields;
}

/** A message within a message; undefined when it is not there. */
export function inner(from: Fields, name: string): Fields | undefined {
  const value = from[name];
  return value === undefined || value === null ? undefined : fieldsOf(value, name);
}

/** Messages in a list; none when it is not there. */
export function inners(from: Fields, name: string): Fields[] {
  return list(from, name).map((one) => fieldsOf(one, name));
}

/** Empty when it is not there. */
export function text(from: Fields, name: string): string {
  const value = from[name] ?? '';
  if (typeof value !== 'string') throw new Error(`${name} is no text`);
  return value;
}

export function optionalText(from: Fields, name: string): string | undefined {
  return has(from, name) ? text(from, name) : undefined;
}

export function texts(from: Fields, name: string): string[] {
  return list(from, name).map((one) => {
    if (typeof one !== 'string') throw new Error(`${name} holds what is no text`);
    return one;
  });
}

/** Names and texts; what is neither text nor absent is given as JSON. */
export function textMap(from: Fields, name: string): Record<string, string> {
  const values = inner(from, name) ?? {};
  const map: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) map[key] = typeof value === 'string' ? value : JSON.stringify(value);
  }
  return map;
}

/** False when it is not there. */
export function flag(from: Fields, name: string): boolean {
  const value = from[name] ?? false;
  if (typeof value !== 'boolean') throw new Error(`${name} is neither true nor false`);
  return value;
}

/** A whole number from 0; what is larger than a number can hold exactly is given as the largest one. 0 when it is not there. */
export function count(from: Fields, name: string): number {
  const value = plainNumber(from, name);
  if (!(value >= 0)) throw new Error(`${name} is no number from 0`);
  return Math.min(Math.trunc(value), Number.MAX_SAFE_INTEGER);
}

export function optionalCount(from: Fields, name: string): number | undefined {
  return has(from, name) ? count(from, name) : undefined;
}

/** Any number; 0 when it is not there. */
export function decimal(from: Fields, name: string): number {
  return plainNumber(from, name);
}

export function optionalDecimal(from: Fields, name: string): number | undefined {
  return has(from, name) ? plainNumber(from, name) : undefined;
}

export function list(from: Fields, name: string): readonly unknown[] {
  const value = from[name] ?? [];
  if (!Array.isArray(value)) throw new Error(`${name} is no list`);
  return value;
}

/** Whether it is there by itself, not as a default. */
function has(from: Fields, name: string): boolean {
  return Object.hasOwn(from, name) && from[name] !== null && from[name] !== undefined;
}

function plainNumber(from: Fields, name: string): number {
  const value = from[name] ?? 0;
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  // 64 bits, as protobufjs gives them
  if (typeof value === 'object' && 'toNumber' in value && typeof value.toNumber === 'function') {
    return (value as { toNumber(): number }).toNumber();
  }
  throw new Error(`${name} is no number`);
}

/** Of a message of protobuf; the default of protobufjs is an empty array. */
export function bytesOf(from: Fields, name: string): Buffer {
  const value = from[name];
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}
