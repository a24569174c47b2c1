import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { MAX_HEAD_BYTES } from '../frames.js';
import {
  decodeProxyMessage,
  encodeProxyHead,
  joinPayload,
  metadataValue,
  PAYLOAD_KEY_BYTES,
  ProxyType,
} from './proxy-message.js';

const file = fileURLToPath(new URL('../../../../proto/proxy/proxy.proto', import.meta.url));
const schema = protobuf.loadSync(file).lookupType('proxy.ProxyMessage');

const text = fc.string({ unit: 'binary', maxLength: 20 }).map((value) => value.toWellFormed());

describe('ProxyMessage', () => {
  it('A20: is written as proxy.proto says', () => {
    fc.assert(
      fc.property(
        text,
        fc.constantFrom(...Object.values(ProxyType)),
        fc.array(
          fc.tuple(
            text.filter((key) => key !== '__proto__'),
            text,
          ),
          { maxLength: 5 },
        ),
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 3 }),
        (id, type, entries, chunks) => {
          const head = encodeProxyHead(id, type, entries.flat());
          const pieces = chunks.map((chunk) => Buffer.from(chunk));
          const body = Buffer.concat(pieces);
          const message = joinPayload(head, pieces, body.length);
          expect(message.length).toBeLessThanOrEqual(head.length + body.length + PAYLOAD_KEY_BYTES);
          const read = schema.toObject(schema.decode(message), { defaults: true, bytes: Buffer }) as {
            payload: Buffer;
            metadata: Record<string, string>;
          };
          expect({ ...read, payload: Buffer.from(read.payload), metadata: { ...read.metadata } }).toEqual({
            id,
            type,
            payload: body,
            metadata: Object.fromEntries(entries),
          });
        },
      ),
    );
  });

  it('A20: is read as proxy.proto says, whoever wrote it', () => {
    const metadata = { agent_id: 'a', 'header_X-Ü': 'é', empty: '' };
    const bytes = schema.encode({ id: 'i', type: 4, payload: Buffer.from('body'), metadata }).finish();
    const message = decodeProxyMessage(Buffer.from(bytes));
    expect(message).toMatchObject({ id: 'i', type: ProxyType.response, metadataCut: false });
    expect(String(message.payload)).toBe('body');
    for (const [key, value] of Object.entries(metadata)) expect(metadataValue(message.metadata, key)).toBe(value);
    expect(metadataValue(message.metadata, 'other')).toBeUndefined();
  });

  it('passes over fields that nobody knows, and takes the last value of a key', () => {
    const known = [encodeProxyHead('i', ProxyType.ping, ['a', '1']), encodeProxyHead('j', ProxyType.ping, ['a', '2'])];
    const unknown = protobuf.Writer.create()
      .uint32((9 << 3) | 2)
      .string('new')
      .uint32(10 << 3)
      .uint32(7)
      .finish();
    const message = decodeProxyMessage(Buffer.concat([...known, unknown]));
    expect(message.id).toBe('j');
    expect(metadataValue(message.metadata, 'a')).toBe('2');
  });

  it.each([
    ['garbage', Buffer.from('\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff garbage', 'latin1')],
    ['a payload cut short', joinPayload(encodeProxyHead('i', 4), [Buffer.from('body')], 4).subarray(0, -1)],
    ['an entry cut short', encodeProxyHead('i', 4, ['name', 'value']).subarray(0, -1)],
    ['an entry whose value leaves it', Buffer.from([0x22, 4, 0x0a, 0, 0x12, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1])],
    ['an id cut short', encodeProxyHead('some id', 0).subarray(0, 5)],
    ['a wire type of no kind', Buffer.from([0x0f])],
  ])('refuses %s', (_name, bytes) => {
    expect(() => decodeProxyMessage(bytes)).toThrow(expect.objectContaining({ code: 'BERTH_PROTOCOL_ERROR' }) as Error);
  });

  it('keeps no more metadata than a head may have, whether long or many', () => {
    const long = encodeProxyHead('i', 4, ['status_code', '200', 'header_A', 'x'.repeat(MAX_HEAD_BYTES)]);
    const many = encodeProxyHead(
      'i',
      4,
      Array.from({ length: 200_000 }, () => ''),
    );
    for (const bytes of [long, many]) {
      const message = decodeProxyMessage(bytes);
      expect(message.metadataCut).toBe(true);
      expect(message.metadata.length).toBeLessThan(4100);
    }
  });
});
