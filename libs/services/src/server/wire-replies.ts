import { type InvocationReply, InvocationStatus } from '../invocation/invocation.js';
import { readOption } from './wire-requests.js';
import { bytesTag, varintTag, WireReader } from './wire-reader.js';
import { chunkLength, mapLength, textLength, WireWriter, writeMap } from './wire-writer.js';

const PAYLOAD = bytesTag(1);
const STATUS = varintTag(2);
const HEADER = bytesTag(3);
const INVOCATION_ID = bytesTag(4);

/** A reply as InvocationResponse. */
export function encodeReply(reply: InvocationReply): Buffer {
  const { payload, status, headers, invocationId } = reply;
  const idLength = textLength(invocationId);
  let length = mapLength(headers);
  if (payload !== undefined) length += chunkLength(payload.length);
  if (status !== InvocationStatus.OKAY) length += 2;
  if (idLength > 0) length += chunkLength(idLength);

  const writer = new WireWriter(length);
  if (payload !== undefined) writer.chunk(PAYLOAD, payload);
  if (status !== InvocationStatus.OKAY) {
    writer.varint(STATUS);
    writer.varint(status);
  }
  writeMap(writer, HEADER, headers);
  if (idLength > 0) writer.text(INVOCATION_ID, invocationId, idLength);
  return writer.bytes;
}

/**
 * Reads an InvocationResponse. A status that this version does not know is
 * SYSTEM_ERROR: whatever it means, it is not OKAY.
 *
 * @throws Error for bytes that are no such message
 */
export function decodeReply(bytes: Buffer): InvocationReply {
  const reader = new WireReader(bytes);
  const headers = Object.create(null) as Record<string, string>;
  let payload: Uint8Array | undefined;
  let status: InvocationStatus = InvocationStatus.OKAY;
  let invocationId = '';
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === PAYLOAD) payload = reader.chunk();
    else if (tag === STATUS) status = statusOf(reader.uint32());
    else if (tag === HEADER) readOption(reader.chunk(), headers);
    else if (tag === INVOCATION_ID) invocationId = reader.text();
    else reader.skip(tag);
  }
  return { status, payload, headers, invocationId };
}

function statusOf(value: number): InvocationStatus {
  const { SYSTEM_ERROR } = InvocationStatus;
  return value <= SYSTEM_ERROR ? (value as InvocationStatus) : SYSTEM_ERROR;
}
