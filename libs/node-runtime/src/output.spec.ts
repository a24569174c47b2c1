import { jest } from '@jest/globals';
import { Output } from './output.js';

/** A stream that takes `room` bytes and then fails with `code`. */
class Stream {
  taken = '';
  room = Infinity;
  code = 'EAGAIN';
  calls = 0;

  readonly write = (data: string | Buffer): number => {
    this.calls += 1;
    const bytes = Buffer.from(data as string);
    if (this.room === 0) throw Object.assign(new Error(this.code), { code: this.code });
    const count = Math.min(this.room, bytes.length);
    this.room -= count;
    this.taken += bytes.toString('utf8', 0, count);
    return count;
  };

  get lines(): string[] {
    return this.taken.split('\n').slice(0, -1);
  }
}

const line = (i: number): string => `line ${i} ${'x'.repeat(90)}\n`;

describe('Output', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('writes each line at once and with one call, while the stream takes them', () => {
    const stream = new Stream();
    const output = new Output(stream.write);
    for (let i = 0; i < 100; i += 1) output.write(`${i} äöü\n`);
    expect(stream.lines).toEqual(Array.from({ length: 100 }, (_, i) => `${i} äöü`));
    expect(stream.calls).toBe(100);
    expect(jest.getTimerCount()).toBe(0);
  });

  it.each(['EAGAIN', 'ENOSPC', 'EPIPE', 'EIO', 'EFBIG'])(
    'after %s all that waited comes, whole and in order',
    (code) => {
      const stream = new Stream();
      stream.code = code;
      const output = new Output(stream.write);
      stream.room = 250;
      for (let i = 0; i < 50; i += 1) output.write(line(i));
      expect(stream.taken).toHaveLength(250);
      stream.room = Infinity;
      jest.advanceTimersByTime(1000);
      expect(stream.taken).toBe(Array.from({ length: 50 }, (_, i) => line(i)).join(''));
      expect(output.heldBytes).toBe(0);
      expect(jest.getTimerCount()).toBe(0);
    },
  );

  it('holds no more than its bound, counts what it drops, and says so once there is room', () => {
    const stream = new Stream();
    stream.room = 0;
    const output = new Output(stream.write, 10_000);
    for (let i = 0; i < 1000; i += 1) output.write(line(i));
    expect(output.heldBytes).toBeLessThanOrEqual(10_000);
    const kept = 1000 - output.droppedLines;
    expect(kept).toBeGreaterThan(90);

    stream.room = 3000;
    jest.advanceTimersByTime(1000);
    expect(stream.taken).not.toContain('dropped');
    stream.room = Infinity;
    jest.advanceTimersByTime(1000);
    expect(stream.lines).toEqual([
      ...Array.from({ length: kept }, (_, i) => line(i).trimEnd()),
      `${1000 - kept} lines were dropped here, because nobody took them`,
    ]);
    output.write('after\n');
    expect(stream.lines.at(-1)).toBe('after');
    expect(output.droppedLines).toBe(1000 - kept);
  });

  it('says what was dropped even when the stream never catches up', () => {
    const stream = new Stream();
    stream.room = 0;
    const output = new Output(stream.write, 10_000);
    for (let round = 0; round < 20; round += 1) {
      for (let i = 0; i < 100; i += 1) output.write(line(i));
      stream.room = 6000;
      jest.advanceTimersByTime(1000);
    }
    expect(stream.taken).toContain('lines were dropped');
    expect(output.heldBytes).toBeLessThanOrEqual(10_100);
  });

  it('asks a stream that takes nothing less and less often, a second apart at last', () => {
    const stream = new Stream();
    stream.room = 0;
    new Output(stream.write).write('x\n');
    jest.advanceTimersByTime(10_000);
    const before = stream.calls;
    jest.advanceTimersByTime(60_000);
    expect(stream.calls - before).toBe(60);
  });

  it('at the end writes what is taken, and waits no longer than it may', () => {
    const stream = new Stream();
    stream.room = 0;
    const output = new Output(stream.write);
    for (let i = 0; i < 10; i += 1) output.write(line(i));
    const since = performance.now();
    output.finish(since + 50);
    expect(performance.now() - since).toBeGreaterThanOrEqual(50);
    stream.code = 'EPIPE';
    output.finish(performance.now() + 60_000);
    stream.room = Infinity;
    output.finish(performance.now() + 60_000);
    expect(stream.lines).toHaveLength(10);
  });
});
