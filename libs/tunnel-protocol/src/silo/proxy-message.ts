import protobuf from 'protobufjs/minimal.js';
import { BerthError, messageOf } from '@berth/errors';
import { MAX_HEAD_BYTES } from '../frames.js';

/** gRPC path of the original wire (`service ProxyService` in proxy.proto). */
export const SILO_METHOD_PATH = '/proxy.ProxyService/Stream';

/** Bytes of one message that the other side is sure to take: the default of grpc-go, in both directions. */
export const MAX_SILO_MESSAGE_BYTES = 4_194_304;

/** What stands before a payload: its key, and a length of up to 32 bits. */
export const PAYLOAD_KEY_BYTES = 6;

/** Kinds of message (`MessageType` in proxy.proto). */
export const ProxyType = { unknown: 0, ping: 1, pong: 2, request: 3, response: 4 } as const;

/** A message of the original wire; see proxy.proto. */
export interface ProxyMessage {
  id: string;
  /** one of {@link ProxyType}, or a number that nobody knows */
  type: number;
  /** of a message that was read: a view into it */
  payload: Buffer;
  /** key, value, key, value …; of a key that comes twice, the last value counts */
  metadata: string[];
  /** metadata was larger than a head may be, and is incomplete */
  metadataCut: boolean;
}

const ID = (1 << 3) | 2;
const TYPE = 2 << 3;
const PAYLOAD = (3 << 3) | 2;
const METADATA = (4 << 3) | 2;

/** A message without its payload, which may follow in any number of pieces; see {@link joinPayload}. */
export function encodeProxyHead(id: string, type: number, metadata: readonly string[] = []): Buffer {
  const writer = protobuf.Writer.create().uint32(ID).string(id).uint32(TYPE).int32(type);
  for (let i = 0; i < metadata.length; i += 2) {
    writer.uint32(METADATA).fork();
    writer.uint32(ID).string(metadata[i] as string);
    writer.uint32((2 << 3) | 2).string(metadata[i + 1] as string);
    writer.ldelim();
  }
  return writer.finish() as Buffer;
}

/**
 * The whole message.
 *
 * @param head as {@link encodeProxyHead} made it
 * @param bytes of all pieces together
 */
export function joinPayload(head: Buffer, pieces: readonly Buffer[], bytes: number): Buffer {
  if (bytes === 0) return head;
  const key = protobuf.Writer.create().uint32(PAYLOAD).uint32(bytes).finish();
  return Buffer.concat([head, key, ...pieces]);
}

/**
 * Reads one message. Fields that nobody knows are passed over.
 *
 * @throws BerthError `BERTH_PROTOCOL_ERROR` for bytes that are no such message
 */
export function decodeProxyMessage(bytes: Buffer): ProxyMessage {
  try {
    return read(protobuf.Reader.create(bytes));
  } catch (thrown) {
    throw new BerthError('BERTH_PROTOCOL_ERROR', `malformed ProxyMessage: ${messageOf(thrown)}`);
  }
}

/** A value of the metadata; undefined when it is not there. */
export function metadataValue(metadata: readonly string[], key: string): string | undefined {
  for (let i = metadata.length - 2; i >= 0; i -= 2) if (metadata[i] === key) return metadata[i + 1];
  return undefined;
}

function read(reader: protobuf.Reader): ProxyMessage {
  const message: ProxyMessage = { id: '', type: 0, payload: NOTHING, metadata: [], metadataCut: false };
  let metadataBytes = 0;
  while (reader.pos < reader.len) {
    const key = reader.uint32();
    if (key === ID) message.id = text(reader);
    else if (key === TYPE) message.type = reader.int32();
    else if (key === PAYLOAD) message.payload = reader.bytes() as Buffer;
    else if (key === METADATA) {
      const length = reader.uint32();
      // Entries cost more than their bytes: their number is bounded by this as well.
      metadataBytes += length + ENTRY_COST_BYTES;
      if (metadataBytes > MAX_HEAD_BYTES) message.metadataCut = true;
      if (message.metadataCut) reader.skip(length);
      else readEntry(reader, reader.pos + length, message.metadata);
    } else reader.skipType(key & 7);
  }
  return message;
}

function readEntry(reader: protobuf.Reader, end: number, metadata: string[]): void {
  let name = '';
  let value = '';
  while (reader.pos < end) {
    const key = reader.uint32();
    if (key === ((1 << 3) | 2)) name = text(reader);
    else if (key === ((2 << 3) | 2)) value = text(reader);
    else reader.skipType(key & 7);
  }
  if (reader.pos !== end) throw new Error('an entry of metadata is longer than it says');
  metadata.push(name, value);
}

/** Unlike the reader's own, it minds a length that is not there. */
function text(reader: protobuf.Reader): string {
  return (reader.bytes() as Buffer).toString('utf8');
}

const NOTHING = Buffer.alloc(0);
const ENTRY_COST_BYTES = 32;
