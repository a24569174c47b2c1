/** Bounds on what a payload becomes in memory: each part of two bytes is an object or a slot of far more than that. */

/** Payloads of JSON up to here cannot hold so many parts that they matter, bytes. */
const SMALL_BYTES = 262_144;

/** Members of all lists and objects of a payload. */
export const MAX_PARTS = 262_144;

const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING_BRACE = 0x7b;
const OPENING_BRACKET = 0x5b;

/** @throws Error when it has too many parts */
export function checkJson(payload: Buffer): void {
  if (payload.length <= SMALL_BYTES) return;
  let parts = 0;
  for (let at = 0; at < payload.length; at += 1) {
    const byte = payload[at];
    if (byte === QUOTE) at = endOfString(payload, at + 1);
    else if (byte === COMMA || byte === OPENING_BRACE || byte === OPENING_BRACKET) parts += 1;
  }
  if (parts > MAX_PARTS) throw tooMany();
}

function endOfString(payload: Buffer, from: number): number {
  let at = from;
  while (at < payload.length && payload[at] !== QUOTE) at += payload[at] === BACKSLASH ? 2 : 1;
  return at;
}

export function tooMany(): Error {
  return new Error(`the payload has more than ${MAX_PARTS} parts`);
}
