import fc from 'fast-check';
import protobuf from 'protobufjs';
import { FunctionRequest, ObjectRequest, Response } from '../../testing/oprc-caller.js';
import { type Invocation, InvocationStatus } from '../invocation/invocation.js';
import { decodeReply, encodeReply } from './replies.js';
import { decodeFunctionRequest, decodeObjectRequest, encodeRequest, MAX_OPTIONS } from './requests.js';

const object = (fields: Record<string, unknown>): Buffer =>
  Buffer.from(ObjectRequest.encode(ObjectRequest.fromObject(fields)).finish());
const plain = (fields: Record<string, unknown>): Buffer =>
  Buffer.from(FunctionRequest.encode(FunctionRequest.fromObject(fields)).finish());

const text = fc.string({ unit: 'binary', maxLength: 100 });
const entries = fc.dictionary(text, text, { maxKeys: 8 }).filter((them) => !('idempotency-key' in them));
const bytes = fc.uint8Array({ maxLength: 300 });
const partition = fc.nat({ max: 2 ** 32 - 1 });

describe('requests of oprc.OprcFunction', () => {
  it('B13: reads what protobufjs writes', () => {
    fc.assert(
      fc.property(partition, text, text, entries, bytes, (partitionId, clsId, fnId, options, payload) => {
        const request = decodeFunctionRequest(plain({ partitionId, clsId, fnId, options, payload }));
        expect(request).toMatchObject({ partition: partitionId, service: clsId, method: fnId });
        expect({ ...request.options }).toEqual({ ...options });
        expect(Buffer.compare(request.payload, payload)).toBe(0);
        expect(request.objectId).toBeUndefined();
        expect(request.problem).toBeUndefined();
      }),
    );
  });

  it('B13: writes what protobufjs reads', () => {
    fc.assert(
      fc.property(
        partition,
        text,
        text,
        entries,
        bytes,
        text,
        (partition, service, method, options, payload, objectId) => {
          const invocation: Invocation = { id: 'x', partition, service, method, options, payload, objectId };
          const message = ObjectRequest.toObject(ObjectRequest.decode(encodeRequest(invocation)), { defaults: true });
          expect(message).toMatchObject({ partitionId: partition, clsId: service, fnId: method, objectId });
          expect({ ...(message['options'] as object) }).toEqual({ ...options });
          expect(Buffer.compare(message['payload'] as Uint8Array, payload)).toBe(0);
        },
      ),
    );
  });

  it('carries the idempotency key as an option, and takes it out of them', () => {
    const invocation: Invocation = {
      id: '',
      service: 'a.B',
      method: 'm',
      partition: 0,
      payload: Buffer.alloc(0),
      options: { other: '1' },
      idempotencyKey: 'k',
    };
    const request = decodeFunctionRequest(encodeRequest(invocation));
    expect(request.idempotencyKey).toBe('k');
    expect({ ...request.options }).toEqual({ other: '1' });
  });

  it.each(['1', '9007199254740993', '18446744073709551615'])('B13: field 2 is exact: %s', (id) => {
    expect(decodeObjectRequest(object({ clsId: 'a.B', numericObjectId: id }))).toMatchObject({
      objectId: id,
      problem: undefined,
    });
  });

  it('B13: object 0 is meant only when field 2 is on the wire', () => {
    const written = Buffer.concat([object({ clsId: 'a.B' }), Buffer.from([0x10, 0x00])]);
    expect(decodeObjectRequest(written)).toMatchObject({ objectId: '0', problem: undefined });
    expect(decodeObjectRequest(object({ clsId: 'a.B' })).problem?.code).toBe('BERTH_SERVICE_BAD_OBJECT_ID');
  });

  it('B13: fields 2 and 7 may both be there, if they agree', () => {
    const both = (objectId: string): unknown =>
      decodeObjectRequest(object({ numericObjectId: '7', objectId })).problem?.code;
    expect(both('7')).toBeUndefined();
    expect(both('8')).toBe('BERTH_SERVICE_BAD_OBJECT_ID');
    expect(both('07')).toBe('BERTH_SERVICE_BAD_OBJECT_ID');
  });

  it.each(['', 'a/b', '*', 'a\n', 'x'.repeat(257)])('B13: %j is no object id', (objectId) => {
    expect(decodeObjectRequest(object({ objectId })).problem?.code).toBe('BERTH_SERVICE_BAD_OBJECT_ID');
  });

  it('bounds options, names and the idempotency key', () => {
    const many = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, '']));
    const problem = (fields: Record<string, unknown>): unknown => decodeFunctionRequest(plain(fields)).problem?.code;
    expect(problem({ options: many(MAX_OPTIONS) })).toBeUndefined();
    expect(problem({ options: many(MAX_OPTIONS + 1) })).toBe('BERTH_SERVICE_BAD_PAYLOAD');
    const own = { 'idempotency-key': 'k', 'berth-call-chain': 'a.B/0/c' };
    expect(problem({ options: { ...many(MAX_OPTIONS), ...own } })).toBeUndefined();
    expect(problem({ options: { ...many(MAX_OPTIONS + 1), ...own } })).toBe('BERTH_SERVICE_BAD_PAYLOAD');
    expect(problem({ clsId: 'x'.repeat(256), fnId: 'x'.repeat(256) })).toBeUndefined();
    expect(problem({ clsId: 'x'.repeat(257) })).toBe('BERTH_SERVICE_BAD_PAYLOAD');
    expect(problem({ fnId: 'x'.repeat(257) })).toBe('BERTH_SERVICE_BAD_PAYLOAD');
    expect(problem({ options: { 'idempotency-key': 'é'.repeat(128) } })).toBeUndefined();
    expect(problem({ options: { 'idempotency-key': 'é'.repeat(129) } })).toBe('BERTH_SERVICE_BAD_PAYLOAD');
    expect(problem({ options: { 'idempotency-key': '' } })).toBe('BERTH_SERVICE_BAD_PAYLOAD');
  });

  it('an option may have any name', () => {
    const invocation = { id: '', service: 's', method: 'm', partition: 0, payload: Buffer.alloc(0) };
    const request = decodeFunctionRequest(
      encodeRequest({ ...invocation, options: { ['__proto__']: 'x', constructor: 'y' } }),
    );
    expect(Object.entries(request.options)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it('passes over fields and wire types that it does not know', () => {
    const unknown = protobuf.Writer.create();
    unknown.uint32((100 << 3) | 0).uint64('18446744073709551615');
    unknown.uint32((101 << 3) | 1).fixed64(1);
    unknown.uint32((102 << 3) | 2).string('anything');
    unknown.uint32((103 << 3) | 5).fixed32(1);
    unknown
      .uint32((104 << 3) | 3)
      .uint32((1 << 3) | 0)
      .uint32(5)
      .uint32((104 << 3) | 4);
    // A known field of another type.
    unknown.uint32((3 << 3) | 0).uint32(5);
    const request = decodeFunctionRequest(Buffer.concat([unknown.finish(), plain({ clsId: 'a.B', fnId: 'm' })]));
    expect(request).toMatchObject({ service: 'a.B', method: 'm', partition: 0 });
  });

  it.each([
    ['a field cut short', [0x1a, 0x05, 0x61]],
    ['a tag alone', [0x1a]],
    ['a varint without an end', [0x08, ...new Array<number>(11).fill(0xff)]],
    ['field 0', [0x02, 0x00]],
    ['wire type 7', [0x0f]],
    ['text that is no UTF-8', [0x1a, 0x01, 0xff]],
    ['a group that another ends', [0x83, 0x06, 0x8c, 0x06]],
    ['groups within groups', new Array<number>(2000).fill(0x0b)],
    ['a length of 4 GiB', [0x32, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('B13: no message: %s', (_what, given) => {
    expect(() => decodeFunctionRequest(Buffer.from(given))).toThrow();
  });

  it('B13: a numeric id has 10 bytes at the most', () => {
    const id = (bytes: number): Buffer => Buffer.from([0x10, ...new Array<number>(bytes - 1).fill(0x80), 0x00]);
    expect(decodeObjectRequest(id(10)).objectId).toBe('0');
    expect(() => decodeObjectRequest(id(11))).toThrow('longer than 10 bytes');
  });

  it('B13: takes or refuses any bytes, and never hangs', () => {
    fc.assert(
      fc.property(bytes, (given) => {
        try {
          decodeObjectRequest(Buffer.from(given));
        } catch (thrown) {
          // Those of TextDecoder are not of this realm.
          expect(Object.prototype.toString.call(thrown)).toBe('[object Error]');
        }
      }),
    );
  });
});

describe('responses of oprc.OprcFunction', () => {
  it('B13: what is written protobufjs reads, and so do we', () => {
    const reply = fc.record({
      status: fc.constantFrom(...Object.values(InvocationStatus)),
      payload: fc.option(bytes, { nil: undefined }),
      headers: entries,
      invocationId: text,
    });
    fc.assert(
      fc.property(reply, (given) => {
        const written = encodeReply(given);
        const message = Response.toObject(Response.decode(written), { defaults: false, objects: true });
        const { payload } = given;
        for (const seen of [message, decodeReply(written)]) {
          expect(seen['status'] ?? 0).toBe(given.status);
          expect(seen['invocationId'] ?? '').toBe(given.invocationId);
          expect({ ...(seen['headers'] as object) }).toEqual({ ...given.headers });
          const got = seen['payload'] as Uint8Array | undefined;
          expect(got === undefined ? undefined : [...got]).toEqual(payload === undefined ? undefined : [...payload]);
        }
      }),
    );
  });

  it('B13: nothing and an empty payload are different', () => {
    const reply = { status: InvocationStatus.OKAY, headers: {}, invocationId: '' };
    expect(decodeReply(encodeReply(reply)).payload).toBeUndefined();
    expect(decodeReply(encodeReply({ ...reply, payload: Buffer.alloc(0) })).payload).toHaveLength(0);
  });

  it('a status from the future is a failure', () => {
    expect(decodeReply(Buffer.from([0x10, 0x63])).status).toBe(InvocationStatus.SYSTEM_ERROR);
  });
});
