import { BerthError } from '@berth/errors';
import { FrameField } from './frame-encoder.js';
import type { ExchangeKind, FlatHeaders, InterimHead, OpenHead, ResetCode, ResponseHead } from '@berth/exchange';
import { MAX_HEAD_BYTES } from './frames.js';

/** Takes the frames of a batch, in their order. */
export interface FrameHandler {
  onOpen(exchange: number, head: OpenHead): void;
  onHead(exchange: number, head: ResponseHead): void;
  /** `bytes` is a view into `batch`. */
  onData(exchange: number, bytes: Buffer, batch: Buffer): void;
  onEnd(exchange: number, trailers: FlatHeaders | undefined): void;
  /** `size` of the message, bytes */
  onInformational(exchange: number, head: InterimHead, size: number): void;
  onReset(exchange: number, code: ResetCode, message: string): void;
  onCredit(exchange: number, bytes: number): void;
  onCreditReturn(exchange: number, bytes: number): void;
  /** Pause (`held`) or Resume of one exchange. */
  onHold(exchange: number, held: boolean): void;
  /** A frame of the connection: its field number in `Frame` and its protobuf body. */
  onConnectionFrame(field: number, body: Buffer): void;
}

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

const EXCHANGE_KEY = (FrameField.exchange << 3) | WIRE_VARINT;
const DATA_KEY = (FrameField.data << 3) | WIRE_BYTES;

function malformed(what: string): BerthError {
  return new BerthError('BERTH_PROTOCOL_ERROR', `malformed batch: ${what}`);
}

/** Reads protobuf fields between `pos` and `end` of one batch. */
class Cursor {
  pos = 0;
  private chars = '';
  private charsStart = 0;

  constructor(readonly bytes: Buffer) {}

  /** Turns what is left before `end` into characters at once: one native call for all strings of a head. */
  openText(end: number): void {
    this.chars = this.bytes.toString('latin1', this.pos, end);
    this.charsStart = this.pos;
  }

  varint(end: number): number {
    const { bytes } = this;
    let pos = this.pos;
    let byte = pos < end ? (bytes[pos++] as number) : this.truncated();
    let value = byte & 0x7f;
    // Fields of this protocol hold 32 bits; ten bytes are the longest legal form.
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 63) throw malformed('varint longer than ten bytes');
      byte = pos < end ? (bytes[pos++] as number) : this.truncated();
      if (shift < 28) value |= (byte & 0x7f) << shift;
      else if (shift === 28) value = (value | ((byte & 0x0f) << 28)) >>> 0;
    }
    this.pos = pos;
    return value;
  }

  /** Reads a length and returns where that many bytes end. */
  limit(end: number): number {
    const length = this.varint(end);
    const stop = this.pos + length;
    if (stop > end) this.truncated();
    return stop;
  }

  /** A length-delimited string; {@link openText} has been called for this message. */
  text(end: number): string {
    const stop = this.limit(end);
    const text = this.chars.substring(this.pos - this.charsStart, stop - this.charsStart);
    this.pos = stop;
    return text;
  }

  utf8(end: number): string {
    const stop = this.limit(end);
    const text = this.bytes.toString('utf8', this.pos, stop);
    this.pos = stop;
    return text;
  }

  skip(wireType: number, end: number): void {
    if (wireType === WIRE_VARINT) this.varint(end);
    else if (wireType === WIRE_BYTES) this.pos = this.limit(end);
    else if (wireType === WIRE_FIXED64) this.pos += 8;
    else if (wireType === WIRE_FIXED32) this.pos += 4;
    else throw malformed(`wire type ${wireType}`);
    if (this.pos > end) this.truncated();
  }

  private truncated(): never {
    throw malformed('a field is longer than what holds it');
  }
}

/**
 * Hands every frame of an encoded `Batch` to `handler`.
 *
 * @param batch one gRPC message
 * @throws BerthError `BERTH_PROTOCOL_ERROR` for bytes that are not a batch, for an unknown
 *   frame and for a frame that names an exchange where it must not, or the other way round
 */
export function decodeBatch(batch: Buffer, handler: FrameHandler): void {
  const cursor = new Cursor(batch);
  const end = batch.length;
  while (cursor.pos < end) {
    const key = cursor.varint(end);
    if (key !== ((1 << 3) | WIRE_BYTES)) throw malformed(`field ${key >>> 3} in Batch`);
    decodeFrame(cursor, cursor.limit(end), handler);
  }
}

/** Bytes of Data of one exchange in a batch that {@link decodeBatch} took, or is taking. */
export function dataBytesOf(batch: Buffer, exchange: number): number {
  const cursor = new Cursor(batch);
  let sum = 0;
  while (cursor.pos < batch.length) {
    cursor.varint(batch.length);
    const end = cursor.limit(batch.length);
    if (cursor.varint(end) === EXCHANGE_KEY && cursor.varint(end) === exchange && cursor.pos < end) {
      if (cursor.varint(end) === DATA_KEY) sum += cursor.limit(end) - cursor.pos;
    }
    cursor.pos = end;
  }
  return sum;
}

function decodeFrame(cursor: Cursor, end: number, handler: FrameHandler): void {
  let exchange = 0;
  while (cursor.pos < end) {
    const key = cursor.varint(end);
    const field = key >>> 3;
    if (key === EXCHANGE_KEY) {
      exchange = cursor.varint(end);
      continue;
    }
    if ((key & 7) !== WIRE_BYTES) throw malformed(`field ${field} of Frame`);
    const stop = cursor.limit(end);
    // The kind is the last field: what it means must not depend on what follows.
    if (stop !== end) throw malformed('a frame with more than one kind');
    if (exchange !== 0 && (field === FrameField.pause || field === FrameField.resume)) {
      cursor.pos = stop;
      handler.onHold(exchange, field === FrameField.pause);
    } else if (field >= FrameField.hello) {
      if (exchange !== 0) throw malformed(`connection frame ${field} names an exchange`);
      handler.onConnectionFrame(field, cursor.bytes.subarray(cursor.pos, stop));
      cursor.pos = stop;
    } else {
      if (exchange === 0) throw malformed(`exchange frame ${field} names no exchange`);
      decodeExchangeFrame(cursor, exchange, field, stop, handler);
    }
    return;
  }
  throw malformed('a frame without a kind');
}

function decodeExchangeFrame(
  cursor: Cursor,
  exchange: number,
  field: number,
  end: number,
  handler: FrameHandler,
): void {
  switch (field) {
    case FrameField.data: {
      const start = cursor.pos;
      cursor.pos = end;
      handler.onData(exchange, cursor.bytes.subarray(start, end), cursor.bytes);
      return;
    }
    case FrameField.head:
      handler.onHead(exchange, readHead(cursor, end));
      return;
    case FrameField.open:
      handler.onOpen(exchange, readOpen(cursor, end));
      return;
    case FrameField.end:
      handler.onEnd(exchange, cursor.pos === end ? undefined : readTrailers(cursor, end));
      return;
    case FrameField.credit:
      handler.onCredit(exchange, readCredit(cursor, end));
      return;
    case FrameField.creditReturn:
      handler.onCreditReturn(exchange, readCredit(cursor, end));
      return;
    case FrameField.reset: {
      const { code, message } = readReset(cursor, end);
      handler.onReset(exchange, code, message);
      return;
    }
    case FrameField.informational: {
      const size = end - cursor.pos;
      const { status, headers } = readHead(cursor, end, 2);
      handler.onInformational(exchange, { status, headers }, size);
      return;
    }
    default:
      throw malformed(`unknown frame ${field}`);
  }
}

function readOpen(cursor: Cursor, end: number): OpenHead {
  cursor.openText(end);
  const head: OpenHead = { kind: 0, method: '', target: '', headers: [], body: false };
  while (cursor.pos < end) {
    const key = cursor.varint(end);
    if (key === ((4 << 3) | WIRE_BYTES)) head.headers.push(cursor.text(end));
    else if (key === ((2 << 3) | WIRE_BYTES)) head.method = cursor.text(end);
    else if (key === ((3 << 3) | WIRE_BYTES)) head.target = cursor.text(end);
    else if (key === ((1 << 3) | WIRE_VARINT)) head.kind = cursor.varint(end) as ExchangeKind;
    else if (key === ((5 << 3) | WIRE_VARINT)) head.body = cursor.varint(end) !== 0;
    else if (key === ((6 << 3) | WIRE_BYTES)) head.service = cursor.text(end);
    else if (key === ((7 << 3) | WIRE_VARINT)) head.traced = cursor.varint(end) !== 0;
    else cursor.skip(key & 7, end);
  }
  return paired(head);
}

/** No credit covers what an agent says in headers. */
function checkSize(cursor: Cursor, end: number): void {
  if (end - cursor.pos > MAX_HEAD_BYTES) throw malformed(`a head or trailers of more than ${MAX_HEAD_BYTES} bytes`);
}

/** `Head` keeps its headers in field 3, `Informational` in field 2. */
function readHead(cursor: Cursor, end: number, headersField: 2 | 3 = 3): ResponseHead {
  checkSize(cursor, end);
  cursor.openText(end);
  const head: ResponseHead = { status: 0, reason: '', headers: [] };
  const headersKey = (headersField << 3) | WIRE_BYTES;
  while (cursor.pos < end) {
    const key = cursor.varint(end);
    if (key === headersKey) head.headers.push(cursor.text(end));
    else if (key === ((1 << 3) | WIRE_VARINT)) head.status = cursor.varint(end);
    else if (key === ((2 << 3) | WIRE_BYTES)) head.reason = cursor.text(end);
    else cursor.skip(key & 7, end);
  }
  return paired(head);
}

function readTrailers(cursor: Cursor, end: number): FlatHeaders | undefined {
  checkSize(cursor, end);
  cursor.openText(end);
  const headers: FlatHeaders = [];
  while (cursor.pos < end) {
    const key = cursor.varint(end);
    if (key === ((1 << 3) | WIRE_BYTES)) headers.push(cursor.text(end));
    else cursor.skip(key & 7, end);
  }
  return headers.length === 0 ? undefined : paired({ headers }).headers;
}

function readReset(cursor: Cursor, end: number): { code: ResetCode; message: string } {
  let code = 0;
  let message = '';
  while (cursor.pos < end) {
    const key = cursor.varint(end);
    if (key === ((1 << 3) | WIRE_VARINT)) code = cursor.varint(end);
    else if (key === ((2 << 3) | WIRE_BYTES)) message = cursor.utf8(end);
    else cursor.skip(key & 7, end);
  }
  return { code: code as ResetCode, message };
}

function readCredit(cursor: Cursor, end: number): number {
  let bytes = 0;
  while (cursor.pos < end) {
    const key = cursor.varint(end);
    if (key === ((1 << 3) | WIRE_VARINT)) bytes = cursor.varint(end);
    else cursor.skip(key & 7, end);
  }
  return bytes;
}

function paired<T extends { headers: FlatHeaders }>(head: T): T {
  if (head.headers.length % 2 !== 0) throw malformed('a header name without a value');
  return head;
}
