import protobuf from 'protobufjs/minimal.js';
import { type InvocationReply, InvocationStatus } from '../invocation/invocation.js';
import { bytesTag, readEntry, readText, skipField, varintTag, writeMap } from './fields.js';

const PAYLOAD = bytesTag(1);
const STATUS = varintTag(2);
const HEADER = bytesTag(3);
const INVOCATION_ID = bytesTag(4);

/** A reply as InvocationResponse of proto/oprc/oprc.proto: on the wire and where it is kept. */
export function encodeReply({ payload, status, headers, invocationId }: InvocationReply): Buffer {
  const writer = protobuf.Writer.create();
  if (payload !== undefined) writer.uint32(PAYLOAD).bytes(payload);
  if (status !== InvocationStatus.OKAY) writer.uint32(STATUS).uint32(status);
  writeMap(writer, HEADER, headers);
  if (invocationId !== '') writer.uint32(INVOCATION_ID).string(invocationId);
  return writer.finish() as Buffer;
}

/**
 * Reads an InvocationResponse; its payload is a view into the bytes. A status
 * that this version does not know is SYSTEM_ERROR: whatever it means, it is not OKAY.
 *
 * @throws Error for bytes that are no such message
 */
export function decodeReply(bytes: Buffer): InvocationReply {
  const reader = protobuf.Reader.create(bytes);
  const headers = Object.create(null) as Record<string, string>;
  let payload: Uint8Array | undefined;
  let status: InvocationStatus = InvocationStatus.OKAY;
  let invocationId = '';
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === PAYLOAD) payload = reader.bytes();
    else if (tag === STATUS) status = Math.min(reader.uint32(), InvocationStatus.SYSTEM_ERROR) as InvocationStatus;
    else if (tag === HEADER) readEntry(reader, headers);
    else if (tag === INVOCATION_ID) invocationId = readText(reader);
    else skipField(reader, tag);
  }
  return { status, payload, headers, invocationId };
}
