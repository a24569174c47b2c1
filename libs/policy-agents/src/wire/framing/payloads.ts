import { Encoder } from '@msgpack/msgpack';
import { BerthError, messageOf } from '@berth/errors';
import { countBulk } from '@berth/exchange';
import { type Fields, fieldsOf } from '../fields.js';
import type { Encoding } from '../shapes/dialect.js';
import { type FrameType, frameTypeName } from '../shapes/frame-types.js';
import { PROTO_KEY } from '../shapes/headers.js';
import { MAX_FRAME_BYTES } from './frame-reader.js';
import { MsgpackReader } from './msgpack.js';
import { checkJson } from './parts.js';

const HEAD_BYTES = 5;

/**
 * A whole frame.
 *
 * @returns undefined when it would be larger than a frame may be
 */
export function encodeFrame(type: FrameType, fields: Fields, encoding: Encoding): Buffer | undefined {
  return encoding === 'json' ? jsonFrame(type, fields) : msgpackFrame(type, fields);
}

function jsonFrame(type: FrameType, fields: Fields): Buffer | undefined {
  const json = JSON.stringify(fields);
  const frame = emptyFrame(type, Buffer.byteLength(json));
  frame?.write(json, HEAD_BYTES);
  return frame;
}

const encoder = new Encoder({ ignoreUndefined: true });

function msgpackFrame(type: FrameType, fields: Fields): Buffer | undefined {
  const payload = encoder.encodeSharedRef(fields);
  const frame = emptyFrame(type, payload.length);
  frame?.set(payload, HEAD_BYTES);
  return frame;
}

function emptyFrame(type: FrameType, payloadBytes: number): Buffer | undefined {
  if (payloadBytes >= MAX_FRAME_BYTES) return undefined;
  countBulk(payloadBytes);
  const frame = Buffer.allocUnsafe(HEAD_BYTES + payloadBytes);
  frame.writeUInt32BE(payloadBytes + 1);
  frame[HEAD_BYTES - 1] = type;
  return frame;
}

const REFUSED_KEY = '__proto__';

/** As a name of an object it would change what the object is, and a client's header may have it. */
const reader = new MsgpackReader((key) => (key === REFUSED_KEY ? PROTO_KEY : key));

const OPENING_BRACE = 0x7b;

/**
 * Reads a payload. In a connection of MessagePack one that begins like an object of JSON is JSON, as proxies of the
 * original send some of theirs; in MessagePack that byte is a number.
 *
 * @throws BerthError `BERTH_PROTOCOL_ERROR`
 */
export function decodePayload<T>(type: FrameType, payload: Buffer, encoding: Encoding, read: (fields: Fields) => T): T {
  try {
    return read(fieldsOf(parse(payload, encoding), 'the payload'));
  } catch (thrown) {
    throw new BerthError('BERTH_PROTOCOL_ERROR', `malformed frame ${frameTypeName(type)}: ${messageOf(thrown)}`);
  }
}

function parse(payload: Buffer, encoding: Encoding): unknown {
  if (encoding === 'json' || payload[0] === OPENING_BRACE) {
    checkJson(payload);
    return parseJson(payload);
  }
  return reader.read(payload);
}

/** The error of the parser shows what it read: that may be a secret, and is from outside. */
function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString()) as unknown;
  } catch {
    throw new Error('the payload is no JSON');
  }
}
