/**
 * Bounds on what a payload becomes in memory: each part of two bytes is an object or a slot of far more than that, and
 * a list of MessagePack is made as long as it says of itself.
 */

/** Payloads of JSON up to here cannot hold so many parts that they matter, bytes. */
const SMALL_BYTES = 262_144;

/** Members of all lists and objects of a payload. */
const MAX_PARTS = 262_144;

const MAX_DEPTH = 64;

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

/** @throws Error when it has too many parts or is not one whole value */
export function checkMsgpack(payload: Buffer): void {
  const walk: Walk = { payload, at: 0 };
  /** values that are still to come, of each list and map that is open */
  const open = [1];
  let parts = 0;
  while (open.length > 0) {
    const last = open.length - 1;
    if (open[last] === 0) {
      open.pop();
      continue;
    }
    open[last] = (open[last] as number) - 1;
    const members = passHead(walk);
    parts += members;
    if (parts > MAX_PARTS) throw tooMany();
    if (walk.at > payload.length) throw new Error('the payload is cut off');
    if (members > 0 && open.push(members) > MAX_DEPTH) throw new Error(`the payload is deeper than ${MAX_DEPTH}`);
  }
  if (walk.at !== payload.length) throw new Error('the payload has more than one value');
}

interface Walk {
  readonly payload: Buffer;
  at: number;
}

/** Passes one value, of a list or map its head alone, and returns how many values are in it. */
function passHead(walk: Walk): number {
  const head = unsigned(walk, 1);
  if (head < 0x80 || head >= 0xe0) return 0;
  if (head < 0x90) return (head & 0x0f) * 2;
  if (head < 0xa0) return head & 0x0f;
  if (head < 0xc0) return skip(walk, head & 0x1f);
  switch (head) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return 0;
    case 0xc4:
    case 0xd9:
      return skip(walk, unsigned(walk, 1));
    case 0xc5:
    case 0xda:
      return skip(walk, unsigned(walk, 2));
    case 0xc6:
    case 0xdb:
      return skip(walk, unsigned(walk, 4));
    case 0xca:
      return skip(walk, 4);
    case 0xcb:
      return skip(walk, 8);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return skip(walk, 1 << (head - 0xcc));
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return skip(walk, 1 << (head - 0xd0));
    case 0xdc:
      return unsigned(walk, 2);
    case 0xdd:
      return unsigned(walk, 4);
    case 0xde:
      return unsigned(walk, 2) * 2;
    case 0xdf:
      return unsigned(walk, 4) * 2;
    default:
      throw new Error(`the payload has a value of type 0x${head.toString(16)}`);
  }
}

function skip(walk: Walk, bytes: number): 0 {
  walk.at += bytes;
  return 0;
}

function unsigned(walk: Walk, bytes: 1 | 2 | 4): number {
  if (walk.at + bytes > walk.payload.length) throw new Error('the payload is cut off');
  const value = walk.payload.readUIntBE(walk.at, bytes);
  walk.at += bytes;
  return value;
}

function tooMany(): Error {
  return new Error(`the payload has more than ${MAX_PARTS} parts`);
}
