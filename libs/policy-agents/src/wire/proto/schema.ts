import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import { bundledFile, protoFile } from '@berth/node-runtime';
import { BerthError, messageOf } from '@berth/errors';
import { takeBuffer } from '@berth/exchange';
import type { Fields } from '../fields.js';

const SCHEMA = 'policy/agent_v2.proto';
const { root } = protobuf.parse(String(bundledFile(SCHEMA) ?? readFileSync(protoFile(SCHEMA))), { keepCase: true });
// Only then are lists of numbers packed, as proto3 has them.
root.resolveAll();

const ProxyToAgent = root.lookupType('zentinel.agent.v2.ProxyToAgent');
const AgentToProxy = root.lookupType('zentinel.agent.v2.AgentToProxy');

/** Both package names of the service, in the order in which they are tried. */
export const PACKAGES = ['zentinel.agent.v2', 'sentinel.agent.v2'] as const;

/** Its memory may be given back (`giveBuffer` of `@berth/exchange`) when the message has been sent. */
class Writer extends protobuf.BufferWriter {
  static override alloc(size: number): Buffer {
    return takeBuffer(size);
  }
}

/** @param fields one of its messages, by its name on the wire */
export function encodeProxyToAgent(fields: Fields): Buffer {
  return ProxyToAgent.encode(fields, new Writer()).finish() as Buffer;
}

/** @param fields one of its messages, by its name on the wire */
export function encodeAgentToProxy(fields: Fields): Buffer {
  return AgentToProxy.encode(fields, new Writer()).finish() as Buffer;
}

/** @throws BerthError `BERTH_PROTOCOL_ERROR` */
export function decodeProxyToAgent<T>(bytes: Buffer, read: (kind: string | undefined, fields: Fields) => T): T {
  return decode(ProxyToAgent, bytes, read);
}

/** @throws BerthError `BERTH_PROTOCOL_ERROR` */
export function decodeAgentToProxy<T>(bytes: Buffer, read: (kind: string | undefined, fields: Fields) => T): T {
  return decode(AgentToProxy, bytes, read);
}

/** Messages up to here cannot hold so many parts that they matter, bytes. */
const SMALL_BYTES = 262_144;

/** Parts (fields, lengths) of one message; each becomes an object that is far larger than its two bytes. */
const MAX_PARTS = 262_144;

function decode<T>(type: protobuf.Type, bytes: Buffer, read: (kind: string | undefined, fields: Fields) => T): T {
  try {
    const reader = bytes.length <= SMALL_BYTES ? new protobuf.BufferReader(bytes) : new CountingReader(bytes);
    const message = type.decode(reader) as unknown as Fields;
    const kind = message['message'] as string | undefined;
    return read(kind, kind === undefined ? {} : (message[kind] as Fields));
  } catch (thrown) {
    throw new BerthError('BERTH_PROTOCOL_ERROR', `malformed ${type.name}: ${messageOf(thrown)}`);
  }
}

class CountingReader extends protobuf.BufferReader {
  private left = MAX_PARTS;

  override uint32(): number {
    this.left -= 1;
    if (this.left < 0) throw new Error(`it has more than ${MAX_PARTS} parts`);
    return super.uint32();
  }
}
