import type { FlatHeaders, InterimHead, OpenHead, ResetCode, ResponseHead } from '@berth/exchange';
import { delimited, fieldKey, varint } from './wire-string.js';

/** Field numbers of `Frame` in tunnel.proto. */
export const FrameField = {
  exchange: 1,
  open: 2,
  head: 3,
  data: 4,
  end: 5,
  informational: 6,
  reset: 7,
  credit: 8,
  creditReturn: 9,
  hello: 16,
  welcome: 17,
  refused: 18,
  ping: 19,
  pong: 20,
  goaway: 21,
  health: 22,
  pause: 23,
  resume: 24,
  capacity: 25,
  metricsReport: 26,
  configPush: 27,
  configAck: 28,
  services: 29,
  servicesReply: 30,
} as const;

const BATCH_FRAME = fieldKey(1, 2);
const EXCHANGE = fieldKey(FrameField.exchange, 0);
const OPEN = fieldKey(FrameField.open, 2);
const HEAD = fieldKey(FrameField.head, 2);
const DATA = fieldKey(FrameField.data, 2);
const END = fieldKey(FrameField.end, 2);
const INFORMATIONAL = fieldKey(FrameField.informational, 2);
const RESET = fieldKey(FrameField.reset, 2);
const CREDIT = fieldKey(FrameField.credit, 2);
const CREDIT_RETURN = fieldKey(FrameField.creditReturn, 2);
const PAUSE = fieldKey(FrameField.pause, 2);
const RESUME = fieldKey(FrameField.resume, 2);

const FIELD_1_VARINT = fieldKey(1, 0);
const FIELD_1_BYTES = fieldKey(1, 2);
const FIELD_2_BYTES = fieldKey(2, 2);
const FIELD_3_BYTES = fieldKey(3, 2);
const FIELD_4_BYTES = fieldKey(4, 2);

const FIELD_6_BYTES = fieldKey(6, 2);
const FIELD_5_TRUE = fieldKey(5, 0) + varint(1);
const FIELD_7_TRUE = fieldKey(7, 0) + varint(1);

const EMPTY_MESSAGE = varint(0);

function list(key: string, values: FlatHeaders): string {
  let out = '';
  for (const value of values) out += key + varint(value.length) + value;
  return out;
}

function exchangeFrame(exchange: number, key: string, delimitedBody: string): string {
  const frame = EXCHANGE + varint(exchange) + key + delimitedBody;
  return BATCH_FRAME + varint(frame.length) + frame;
}

/** Each function returns one `Batch.frames` entry as a Latin-1 string. */
export const encodeFrame = {
  open(exchange: number, head: OpenHead): string {
    const body =
      (head.kind === 0 ? '' : FIELD_1_VARINT + varint(head.kind)) +
      FIELD_2_BYTES +
      delimited(head.method) +
      FIELD_3_BYTES +
      delimited(head.target) +
      list(FIELD_4_BYTES, head.headers) +
      (head.body ? FIELD_5_TRUE : '') +
      (head.service ? FIELD_6_BYTES + delimited(head.service) : '') +
      (head.traced === true ? FIELD_7_TRUE : '');
    return exchangeFrame(exchange, OPEN, delimited(body));
  },

  head(exchange: number, head: ResponseHead): string {
    const body =
      FIELD_1_VARINT + varint(head.status) + FIELD_2_BYTES + delimited(head.reason) + list(FIELD_3_BYTES, head.headers);
    return exchangeFrame(exchange, HEAD, delimited(body));
  },

  informational(exchange: number, head: InterimHead): string {
    const body = FIELD_1_VARINT + varint(head.status) + list(FIELD_2_BYTES, head.headers);
    return exchangeFrame(exchange, INFORMATIONAL, delimited(body));
  },

  data(exchange: number, bytes: string): string {
    return exchangeFrame(exchange, DATA, delimited(bytes));
  },

  end(exchange: number, trailers: FlatHeaders | undefined): string {
    const body = trailers === undefined ? EMPTY_MESSAGE : delimited(list(FIELD_1_BYTES, trailers));
    return exchangeFrame(exchange, END, body);
  },

  reset(exchange: number, code: ResetCode, message: string): string {
    const body = FIELD_1_VARINT + varint(code) + FIELD_2_BYTES + delimited(asciiOnly(message).slice(0, 256));
    return exchangeFrame(exchange, RESET, delimited(body));
  },

  credit(exchange: number, bytes: number): string {
    return exchangeFrame(exchange, CREDIT, delimited(FIELD_1_VARINT + varint(bytes)));
  },

  creditReturn(exchange: number, bytes: number): string {
    return exchangeFrame(exchange, CREDIT_RETURN, delimited(FIELD_1_VARINT + varint(bytes)));
  },

  /** Pause or Resume of one exchange. */
  hold(exchange: number, held: boolean): string {
    return exchangeFrame(exchange, held ? PAUSE : RESUME, EMPTY_MESSAGE);
  },

  /** A frame of the connection; `message` is its protobuf body. */
  connection(field: number, message: Uint8Array): string {
    const frame = fieldKey(field, 2) + delimited(Buffer.from(message).toString('latin1'));
    return BATCH_FRAME + varint(frame.length) + frame;
  },
};

/** What stands before `length` bytes of payload to make them a Data frame. */
export function dataPrefix(exchange: number, length: number): string {
  const head = EXCHANGE + varint(exchange) + DATA + varint(length);
  return BATCH_FRAME + varint(head.length + length) + head;
}

/** `Reset.message` is a UTF-8 field, and this encoder writes one byte per character. */
function asciiOnly(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
