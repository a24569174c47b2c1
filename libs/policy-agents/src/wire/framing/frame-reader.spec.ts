import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BerthError } from '@berth/errors';
import { frame } from '../../../testing/raw-peer.js';
import { FrameType } from '../shapes/frame-types.js';
import { FrameReader } from './frame-reader.js';

function reading(maxBytes?: number) {
  const frames: [number, Buffer][] = [];
  return { frames, reader: new FrameReader((type, payload) => frames.push([type, payload]), maxBytes) };
}

const frames = fc.array(
  fc.tuple(
    fc.constantFrom(...Object.values(FrameType)),
    fc.uint8Array({ maxLength: 9000 }).map((bytes) => Buffer.from(bytes)),
  ),
  { maxLength: 8 },
);

/** The same bytes in pieces. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...at, bytes.length].map((end, index) => bytes.subarray(at[index - 1] ?? 0, end));
}

describe('the reader of frames', () => {
  it('finds the frames, however the bytes are cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 40 }), (sent, cuts) => {
        const bytes = Buffer.concat(sent.map(([type, payload]) => frame(type, payload)));
        const it = reading();
        for (const piece of pieces(bytes, cuts)) it.reader.push(piece);
        expect(it.frames).toEqual(sent);
        expect(it.reader.unfinished).toBe(0);
      }),
    );
  });

  it('finds them byte by byte', () => {
    const it = reading();
    for (const byte of Buffer.concat([frame(0x41, 'a'), frame(0x42, ''), frame(0x20, 'b'.repeat(5000))])) {
      it.reader.push(Buffer.from([byte]));
    }
    expect(it.frames.map(([type, payload]) => [type, payload.length])).toEqual([
      [0x41, 1],
      [0x42, 0],
      [0x20, 5000],
    ]);
  });

  it('stops when it is told to, and goes on from there', () => {
    const it = reading();
    const isOver = () => it.frames.length >= 2;
    it.reader.push(Buffer.concat([1, 2, 3, 4].map((i) => frame(0x41, String(i)))), isOver);
    expect(it.frames).toHaveLength(2);
    it.reader.again();
    expect(it.frames.map(([, payload]) => String(payload))).toEqual(['1', '2', '3', '4']);
  });

  it('takes garbage, in any pieces, for an error of the protocol or for frames, and for nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (garbage) => {
        const it = reading();
        try {
          for (const bytes of garbage) it.reader.push(Buffer.from(bytes));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(BerthError);
          expect(thrown).toMatchObject({ code: 'BERTH_PROTOCOL_ERROR' });
        }
      }),
    );
  });

  it.each([
    ['00000000', 'a frame of length 0'],
    ['01000001', 'a frame of 16777217 bytes; at most 16777216 are taken'],
    ['ffffffff', 'a frame of 4294967295 bytes; at most 16777216 are taken'],
    ['0000000500', 'a frame of unknown type 0x00'],
    ['01000000ff', 'a frame of unknown type 0xff'],
  ])('refuses %s as soon as it can be seen, at once or byte by byte', (hex, message) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(() => {
      reading().reader.push(bytes);
    }).toThrow(message);
    const it = reading();
    expect(() => {
      for (const byte of bytes) it.reader.push(Buffer.from([byte]));
    }).toThrow(message);
  });

  it('takes the largest frame that there may be', () => {
    const it = reading();
    const bytes = frame(0x20, Buffer.alloc(16 * 1024 * 1024 - 1, 7));
    for (let at = 0; at < bytes.length; at += 65_536) it.reader.push(bytes.subarray(at, at + 65_536));
    expect(it.frames[0]?.[1].length).toBe(16 * 1024 * 1024 - 1);
  });

  it('keeps of a frame that is said to be large no more than twice what came', () => {
    const it = reading();
    const before = process.memoryUsage().arrayBuffers;
    it.reader.push(frame(0x20, Buffer.alloc(16 * 1024 * 1024 - 1)).subarray(0, 5));
    for (let i = 0; i < 100_000; i += 1) it.reader.push(Buffer.from([i & 255]));
    expect(it.reader.unfinished).toBe(100_005);
    const kept = (it.reader as unknown as { kept: Buffer }).kept.length;
    expect(kept).toBeLessThanOrEqual(2 * 100_005);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });
});
