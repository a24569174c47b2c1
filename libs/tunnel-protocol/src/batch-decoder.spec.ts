import { BerthError } from '@berth/errors';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { exchangeFrame, type ExchangeFrame } from '../testing/arbitraries.js';
import { BatchType, batchOf, decodeModel, FrameType, schema, toPlain } from '../testing/frame-model.js';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

function encodeBySchema(frames: readonly ExchangeFrame[]): Buffer {
  return Buffer.from(
    BatchType.encode({ frames: frames.map((frame) => FrameType.fromObject(toPlain(frame))) }).finish(),
  );
}

/** A field that this version of the schema does not know. */
const unknownField = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((value) => (writer: protobuf.Writer) => {
    writer.uint32((100 << 3) | 0).uint64(value.toString());
  }),
  fc
    .uint8Array({ maxLength: 40 })
    .map((value) => (writer: protobuf.Writer) => writer.uint32((2000 << 3) | 2).bytes(value)),
  fc.integer().map((value) => (writer: protobuf.Writer) => writer.uint32((15 << 3) | 5).sfixed32(value)),
  fc.double().map((value) => (writer: protobuf.Writer) => writer.uint32((16 << 3) | 1).double(value)),
);

/** As a later version would write it: known fields among unknown ones. */
function withUnknown(frame: ExchangeFrame, before: protobuf.Writer, after: protobuf.Writer): Buffer {
  const plain = toPlain(frame);
  const field = FrameType.fields[frame.kind] as protobuf.Field;
  const name = frame.kind.charAt(0).toUpperCase() + frame.kind.slice(1);
  const type = schema.lookupType(`berth.tunnel.v1.${name}`);
  const known = type.encode(type.fromObject(plain[frame.kind] as Record<string, unknown>)).finish();
  const body = Buffer.concat([before.finish(), known, after.finish()]);
  const inner = protobuf.Writer.create().uint32(8).uint32(frame.exchange);
  inner.uint32((field.id << 3) | 2).bytes(body);
  return Buffer.from(protobuf.Writer.create().uint32(10).bytes(inner.finish()).finish());
}

/** Decodes, and lets only one kind of failure pass. */
function decodeOrRefuse(batch: Buffer): ReturnType<typeof decodeModel> | 'refused' {
  try {
    return decodeModel(batch);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(BerthError);
    expect(thrown).toMatchObject({ code: 'BERTH_PROTOCOL_ERROR' });
    return 'refused';
  }
}

describe('batch decoder', () => {
  it('reads what any protobuf implementation writes', () => {
    fc.assert(
      fc.property(fc.array(exchangeFrame, { maxLength: 6 }), (frames) => {
        expect(decodeModel(encodeBySchema(frames))).toEqual(frames);
      }),
      { numRuns: 400 },
    );
  });

  it('passes over fields that a later version adds to a frame', () => {
    const framed = exchangeFrame.filter((frame) => frame.kind !== 'data');
    const fields = fc.array(unknownField, { maxLength: 4 });
    fc.assert(
      fc.property(framed, fields, fields, (frame, before, after) => {
        const write = (list: typeof before): protobuf.Writer => {
          const writer = protobuf.Writer.create();
          for (const field of list) field(writer);
          return writer;
        };
        const [decoded] = decodeModel(withUnknown(frame, write(before), write(after)));
        expect(decoded).toEqual(frame);
      }),
      { numRuns: 400 },
    );
  });

  it('refuses a batch cut anywhere but between two frames', () => {
    fc.assert(
      fc.property(fc.array(exchangeFrame, { minLength: 1, maxLength: 3 }), (frames) => {
        const whole = batchOf(...frames);
        const ends = frames.map((_, count) => batchOf(...frames.slice(0, count)).length);
        const step = Math.ceil(whole.length / 300);
        for (let cut = 1; cut < whole.length; cut += step) {
          const decoded = decodeOrRefuse(whole.subarray(0, cut));
          const count = ends.indexOf(cut);
          expect(decoded).toEqual(count < 0 ? 'refused' : frames.slice(0, count));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('answers arbitrary and damaged bytes with a protocol error or a batch, never otherwise', () => {
    const damaged = fc
      .tuple(fc.array(exchangeFrame, { minLength: 1, maxLength: 3 }), fc.array(fc.tuple(fc.nat(), fc.nat(255))))
      .map(([frames, flips]) => {
        const batch = batchOf(...frames);
        for (const [at, value] of flips) batch[at % batch.length] = value;
        return batch;
      });
    const random = fc.uint8Array({ maxLength: 200 }).map((list) => Buffer.from(list));
    fc.assert(
      fc.property(fc.oneof(random, damaged), (batch) => void decodeOrRefuse(batch)),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['an unknown frame of an exchange', '0a 04 08 01 52 00'],
    ['a frame of field 0', '0a 04 08 01 02 00'],
    ['an exchange frame without an exchange', '0a 02 22 00'],
    ['an exchange frame of exchange 0', '0a 04 08 00 22 00'],
    ['a connection frame that names an exchange', '0a 06 08 01 9a 01 00 00'],
    ['a frame without a kind', '0a 02 08 01'],
    ['an empty frame', '0a 00'],
    ['a frame of two kinds', '0a 06 08 01 22 00 22 00'],
    ['the exchange behind the kind', '0a 04 22 00 08 01'],
    ['a kind that is a number', '0a 04 08 01 20 01'],
    ['a header name without a value', '0a 07 08 01 1a 03 1a 01 61'],
    ['a trailer name without a value', '0a 07 08 01 2a 03 0a 01 61'],
    ['a varint of eleven bytes', '0a 0e 08 81 80 80 80 80 80 80 80 80 80 00 22 00'],
    ['a length of 4 GiB', '0a ff ff ff ff 0f'],
    ['another field in Batch', '12 00'],
    ['a group', '0a 06 08 01 12 02 33 34'],
    ['a header longer than its frame', '0a 07 08 01 1a 03 1a 05 61'],
    ['a fixed number cut short', '0a 08 08 01 42 04 7d 00 00 00'],
  ])('refuses %s', (_name, hex) => {
    expect(decodeOrRefuse(bytes(hex))).toBe('refused');
  });

  it('takes numbers written longer than needed', () => {
    expect(decodeModel(bytes('0a 08 08 81 80 80 00 22 01 61'))).toEqual([{ exchange: 1, kind: 'data', bytes: 'a' }]);
  });
});
