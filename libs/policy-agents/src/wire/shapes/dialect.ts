import { type Fields, text } from '../fields.js';

/** How the payloads of frames are written. */
export type Encoding = 'json' | 'msgpack';

/** What both sides of a framed connection agreed on. */
export interface Dialect {
  readonly encoding: Encoding;
  /** the other side is Berth too, and knows what Berth has put into the framings beside the original */
  readonly isBerth: boolean;
}

/**
 * Bytes: as they are where MessagePack carries them to Berth, else in base64. Agents of the original expect base64 in
 * MessagePack as well, and take what they cannot read for allowed.
 */
export function writeBytes(bytes: Buffer, { encoding, isBerth }: Dialect): Uint8Array | string {
  return encoding === 'msgpack' && isBerth ? bytes : bytes.toString('base64');
}

/** @throws Error when it is neither bytes nor base64 */
export function readBytes(from: Fields, name: string): Buffer {
  const value = from[name];
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const encoded = text(from, name);
  const bytes = Buffer.from(encoded, 'base64');
  // Node passes over what does not belong there.
  if (bytes.length !== encodedBytes(encoded)) throw new Error(`${name} is not in base64`);
  return bytes;
}

/** How many bytes a text in base64 stands for, by its length. */
function encodedBytes(encoded: string): number {
  const padding = encoded.endsWith('==') ? 2 : encoded.endsWith('=') ? 1 : 0;
  return (encoded.length / 4) * 3 - padding;
}
