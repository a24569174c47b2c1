import { encode } from '@msgpack/msgpack';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BerthError } from '@berth/errors';
import type { Fields } from '../fields.js';
import type { Encoding } from '../shapes/dialect.js';
import { FrameType } from '../shapes/frame-types.js';
import { readForAgent } from '../shapes/to-agent.js';
import { readForProxy } from '../shapes/to-proxy.js';
import { decodePayload, encodeFrame } from './payloads.js';

const same = (from: Fields): Fields => from;
const read = (payload: Buffer | Uint8Array, encoding: Encoding) =>
  decodePayload(FrameType.answer, Buffer.from(payload), encoding, same);

const values = fc.dictionary(
  fc.string({ maxLength: 12 }).filter((key) => key !== '__proto__'),
  fc.jsonValue({ maxDepth: 3 }),
  { maxKeys: 6, noNullPrototype: true },
);

describe('payloads of frames', () => {
  it.each<Encoding>(['json', 'msgpack'])('come back from %s as they were', (encoding) => {
    fc.assert(
      fc.property(values, (fields) => {
        const frame = encodeFrame(FrameType.answer, fields, encoding) as Buffer;
        expect(JSON.stringify(read(frame.subarray(5), encoding))).toBe(JSON.stringify(fields));
      }),
    );
  });

  it.each<Encoding>(['json', 'msgpack'])('of any bytes are messages or errors of the protocol, in %s', (encoding) => {
    const types = fc.constantFrom(...Object.values(FrameType));
    const objects = values.map((fields) => (encodeFrame(FrameType.answer, fields, encoding) as Buffer).subarray(5));
    const broken = fc.tuple(objects, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([bytes, at, byte]) => {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[at % copy.length] = byte;
      return copy;
    });
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((raw) => Buffer.from(raw)),
      objects,
      broken,
    );
    fc.assert(
      fc.property(types, bytes, (type, payload) => {
        for (const reader of [readForAgent, readForProxy]) {
          try {
            decodePayload(type, payload, encoding, (fields) => reader(type, fields));
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(BerthError);
            expect(thrown).toMatchObject({ code: 'BERTH_PROTOCOL_ERROR' });
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('are no larger than a frame may be', () => {
    const text = (length: number) => ({ t: 'x'.repeat(length) });
    // {"t":""} and the type are nine bytes of it.
    const largest = 16 * 1024 * 1024 - 9;
    expect(encodeFrame(FrameType.log, text(largest), 'json')).toHaveLength(4 + 16 * 1024 * 1024);
    expect(encodeFrame(FrameType.log, text(largest + 1), 'json')).toBeUndefined();
    expect(encodeFrame(FrameType.log, text(largest + 9), 'msgpack')).toBeUndefined();
  });

  it('a list of MessagePack that says to be long costs nothing', () => {
    // A thousand lists of 65,535 in each other: 524 MB if they were made.
    const bomb = Buffer.concat([
      Buffer.from('81a178', 'hex'),
      ...Array.from({ length: 1000 }, () => Buffer.from('dcffff', 'hex')),
    ]);
    expect(() => read(bomb, 'msgpack')).toThrow('malformed frame 0x20: the payload ');
    expect(() => read(Buffer.from('81a178ddffffffff', 'hex'), 'msgpack')).toThrow('more than 262144 parts');
    expect(() => read(Buffer.from('81a178dfffffffff', 'hex'), 'msgpack')).toThrow('more than 262144 parts');
  });

  it.each<[string, string, string]>([
    ['nothing', '', 'the payload is cut off'],
    ['a text that is longer than the payload', '81a178dbffffffff41', 'the payload is cut off'],
    ['two values', '8080', 'the payload has more than one value'],
    ['an extension', '81a178d60000000000', 'the payload has a value of type 0xd6'],
    ['a byte that is no type', 'c1', 'the payload has a value of type 0xc1'],
    ['a number', '07', 'the payload is no object'],
    ['a list', '90', 'the payload is no object'],
    ['a key that is a number', '810707', 'the payload has a key that is no text'],
    ['a number that is cut off', '81a178cf00', 'the payload is cut off'],
  ])('%s is no payload of MessagePack', (_, hex, message) => {
    expect(() => read(Buffer.from(hex, 'hex'), 'msgpack')).toThrow(`malformed frame 0x20: ${message}`);
  });

  it.each<[string, unknown]>([
    ['ccff', 255],
    ['cdffff', 65_535],
    ['ceffffffff', 4_294_967_295],
    ['cf0000000100000000', 4_294_967_296],
    ['cfffffffffffffffff', 2 ** 64],
    ['d0ff', -1],
    ['d1ff00', -256],
    ['d2ffff0000', -65_536],
    ['d3ffffffff00000000', -4_294_967_296],
    ['e0', -32],
    ['ca3f800000', 1],
    ['cb3ff8000000000000', 1.5],
    ['c403010203', Buffer.from([1, 2, 3])],
    ['c50001ff', Buffer.from([255])],
    ['c600000001ff', Buffer.from([255])],
    ['d902c3bc', 'ü'],
    ['da000161', 'a'],
    ['db0000000161', 'a'],
    ['dc0002c2c3', [false, true]],
    ['dd00000001c0', [null]],
    ['de0001a16107', { a: 7 }],
    ['df00000001d9016107', { a: 7 }],
    ['81da00016107', { a: 7 }],
  ])('of MessagePack may have %s', (hex, value) => {
    expect(read(Buffer.from(`81a178${hex}`, 'hex'), 'msgpack')).toEqual({ x: value });
  });

  it('of MessagePack have their keys, however many there were before', () => {
    for (let i = 0; i < 5000; i += 1) {
      const key = `key-${(i * 7919) % 3000}`;
      expect(Object.keys(read(encode({ [key]: i, same: 1 }), 'msgpack'))).toEqual([key, 'same']);
    }
    const all = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`k${i}`, i]));
    expect(read(encode(all), 'msgpack')).toEqual(all);
  });

  it('are not deeper than they need to be', () => {
    const deep = (depth: number) =>
      Buffer.concat([Buffer.from('81a178', 'hex'), Buffer.alloc(depth, 0x91), Buffer.from([0xc0])]);
    expect(read(deep(50), 'msgpack')).toHaveProperty('x');
    expect(() => read(deep(100), 'msgpack')).toThrow('the payload is deeper than 64');
  });

  it('of many small parts are refused before they take memory', () => {
    const ops = Array.from({ length: 300_000 }, () => null);
    expect(() => read(Buffer.from(JSON.stringify({ ops })), 'json')).toThrow('more than 262144 parts');
    expect(() => read(encode({ ops }), 'msgpack')).toThrow('more than 262144 parts');
    // What looks like parts within a text is none.
    const content = '{"a,[\\'.repeat(200_000);
    expect(read(Buffer.from(JSON.stringify({ content })), 'json')).toEqual({ content });
  });

  it('that are no JSON are not shown in the error', () => {
    expect(() => read(Buffer.from('{"auth_token":"s3cret'), 'json')).toThrow(
      /^malformed frame 0x20: the payload is no JSON$/,
    );
  });
});
