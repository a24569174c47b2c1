import { randomBytes } from 'node:crypto';
import { deflateRawSync, constants } from 'node:zlib';
import { Deflater, Inflater } from './compression.js';
import { WebSocketFault } from './fault.js';
import { closeFrame, type Frame, frameOf, FrameReader, Opcode } from './frames.js';
import { MessageReader } from './messages.js';
import { agreedIn, plainOffers } from './offers.js';

const LIMIT = 1_000_000;

function readAll(reader: FrameReader, bytes: Buffer, step: number): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    reader.feed(bytes.subarray(at, at + step));
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame);
  }
  return frames;
}

async function faultOf(act: () => unknown): Promise<number | undefined> {
  try {
    await act();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof WebSocketFault) return thrown.code;
    throw thrown;
  }
}

describe('frames of WebSockets', () => {
  it.each([true, false])('are read as they were written, however they come; masked: %s', (masked) => {
    const sizes = [0, 1, 125, 126, 65_535, 65_536, 100_000];
    const payloads = sizes.map((size) => randomBytes(size));
    const bytes = Buffer.concat(payloads.map((payload) => frameOf(Opcode.binary, payload, masked)));
    for (const step of [1, 7, 65_536, bytes.length]) {
      const reader = new FrameReader(masked, LIMIT);
      const frames = readAll(reader, bytes, step);
      expect(frames.map(({ payload }) => payload.length)).toEqual(sizes);
      expect(Buffer.concat(frames.map(({ payload }) => payload)).equals(Buffer.concat(payloads))).toBe(true);
      expect(reader.buffered).toBe(0);
    }
  });

  it.each<[string, boolean, number[], number]>([
    ['bits of no extension', false, [0xa1, 0], 1002],
    ['an unknown kind', false, [0x83, 0], 1002],
    ['a masked frame of a server', false, [0x81, 0x80, 0, 0, 0, 0], 1002],
    ['an open frame of a client', true, [0x81, 0], 1002],
    ['a ping in parts', false, [0x09, 0], 1002],
    ['a long ping', false, [0x89, 126, 0, 200], 1002],
    ['a frame larger than may be', false, [0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0], 1009],
  ])('that are wrong are told by the code of their close: %s', async (_what, masked, bytes, code) => {
    const reader = new FrameReader(masked, LIMIT);
    reader.feed(Buffer.from(bytes));
    expect(await faultOf(() => reader.next())).toBe(code);
  });

  it('close with no more of the reason than fits, in whole characters', () => {
    const reader = new FrameReader(false, LIMIT);
    reader.feed(closeFrame(1008, `a${'é'.repeat(100)}`, false));
    const { payload } = reader.next() as Frame;
    expect([payload.readUInt16BE(), payload.length, String(payload.subarray(2))]).toEqual([
      1008,
      125,
      `a${'é'.repeat(61)}`,
    ]);
  });
});

describe('messages of WebSockets', () => {
  const part = (opcode: number, text: string, fin: boolean, compressed = false): Frame => {
    return { opcode, fin, compressed, payload: Buffer.from(text) };
  };

  it('are put together from their parts, with control frames between', async () => {
    const reader = new MessageReader(undefined, 100);
    expect(await reader.add(part(Opcode.text, 'a', false))).toBeUndefined();
    expect(await reader.add(part(Opcode.ping, 'p', true))).toMatchObject({ type: 'ping' });
    expect(reader.buffered).toBe(1);
    const message = await reader.add(part(Opcode.continuation, 'b', true));
    expect([message?.type, String(message?.payload), reader.buffered]).toEqual(['text', 'ab', 0]);
  });

  it.each<[string, Frame[], number]>([
    ['a part of nothing', [part(0, 'a', true)], 1002],
    ['a beginning within', [part(1, 'a', false), part(2, 'b', true)], 1002],
    ['compressed though it was not agreed', [part(1, 'a', true, true)], 1002],
    ['half a code', [part(8, 'a', true)], 1002],
    ['more parts than it may have', [part(1, 'a'.repeat(99), false), part(0, 'bc', false)], 1009],
  ])('that are wrong are told: %s', async (_what, frames, code) => {
    const reader = new MessageReader(undefined, 100);
    const adding = async (): Promise<void> => {
      for (const frame of frames) await reader.add(frame);
    };
    expect(await faultOf(adding)).toBe(code);
  });
});

describe('compression of WebSockets', () => {
  const TEXTS = ['hello hello hello', 'hello again', randomBytes(60_000).toString('base64'), 'hello', ''];

  it.each([
    { noTakeover: false, windowBits: 15 },
    { noTakeover: true, windowBits: 15 },
    { noTakeover: false, windowBits: 9 },
  ])('is taken apart and made again: $noTakeover $windowBits', async (deflate) => {
    const deflater = new Deflater(deflate);
    const inflater = new Inflater(deflate, LIMIT);
    const sizes: number[] = [];
    for (const text of [...TEXTS, ...TEXTS]) {
      const bytes = await deflater.deflate(Buffer.from(text));
      sizes.push(bytes.length);
      expect(String(await inflater.inflate(bytes))).toBe(text);
    }
    // What went before is referred to, or is not.
    expect((sizes[1] as number) < (sizes[6] as number) + 100).toBe(true);
    if (deflate.noTakeover) expect(sizes[0]).toBe(sizes[5]);
  });

  it('stops at the limit of a message, whatever it would become, and at what is none', async () => {
    const bomb = deflateRawSync(Buffer.alloc(10_000_000), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    const inflater = new Inflater({ noTakeover: false, windowBits: 15 }, 1000);
    expect(bomb.length).toBeLessThan(20_000);
    expect(await faultOf(() => inflater.inflate(bomb))).toBe(1009);
    expect(await faultOf(() => inflater.inflate(Buffer.from([0xff, 0xff, 0xff])))).toBe(1007);
  });

  it('is left out where zlib has no such window', () => {
    expect(new Deflater({ noTakeover: true, windowBits: 8 }).isAble).toBe(false);
  });

  it('is the only extension that may be offered, and read as it is agreed', () => {
    const offers = ['Sec-WebSocket-Extensions', 'x-other, permessage-deflate; client_max_window_bits', 'A', '1'];
    expect(plainOffers(offers)).toEqual([
      'A',
      '1',
      'Sec-WebSocket-Extensions',
      'permessage-deflate; client_max_window_bits',
    ]);
    expect(plainOffers(['sec-websocket-extensions', 'x-other'])).toEqual([]);
    const agreed = (value: string) => agreedIn(['Sec-WebSocket-Extensions', value]);
    expect(agreedIn([])).toBeUndefined();
    expect(agreed('permessage-deflate; server_no_context_takeover; client_max_window_bits="9"')).toEqual({
      client: { noTakeover: false, windowBits: 9 },
      server: { noTakeover: true, windowBits: 15 },
    });
    for (const wrong of ['x-other', 'permessage-deflate, x-other', 'permessage-deflate; client_max_window_bits=99'])
      expect(() => agreed(wrong)).toThrow(/cannot be inspected/);
  });
});
