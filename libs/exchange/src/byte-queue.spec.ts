import fc from 'fast-check';
import { ByteQueue } from './byte-queue.js';

describe('a byte queue', () => {
  it('gives what it was given, in order, whatever the chunks', () => {
    const push = fc.nat({ max: 40_000 });
    fc.assert(
      fc.property(fc.array(fc.oneof(push, fc.constant('shift' as const)), { maxLength: 60 }), (steps) => {
        const queue = new ByteQueue();
        const given: Buffer[] = [];
        const got: Buffer[] = [];
        for (const [i, step] of steps.entries()) {
          if (step === 'shift') {
            const chunk = queue.shift();
            if (chunk !== undefined) got.push(Buffer.from(chunk));
            continue;
          }
          const chunk = Buffer.alloc(step, i + 1);
          given.push(Buffer.from(chunk));
          queue.push(chunk);
          // What was short is the queue's own now.
          if (step < 16_384) chunk.fill(0);
        }
        for (let chunk = queue.shift(); chunk !== undefined; chunk = queue.shift()) got.push(chunk);
        expect(queue.empty).toBe(true);
        expect(Buffer.concat(got).equals(Buffer.concat(given))).toBe(true);
      }),
    );
  });

  it('holds short chunks in memory of about their size, and each of them no longer than it waits', () => {
    const queue = new ByteQueue();
    for (let i = 0; i < 100_000; i += 1) queue.push(Buffer.from([i & 0xff]));
    queue.push(Buffer.alloc(20_000));
    queue.push(Buffer.from('end'));
    const chunks: Buffer[] = [];
    for (let chunk = queue.shift(); chunk !== undefined; chunk = queue.shift()) chunks.push(chunk);
    expect(chunks.map(({ length }) => length)).toEqual([...Array<number>(6).fill(16_384), 1_696, 20_000, 3]);
    const held = new Set(chunks.map(({ buffer }) => buffer));
    expect([...held].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(2 * 120_003);
  });

  it('forgets all when it is cleared', () => {
    const queue = new ByteQueue();
    queue.push(Buffer.from('a'));
    queue.push(Buffer.alloc(20_000));
    queue.push(Buffer.from('b'));
    queue.clear();
    expect(queue.empty).toBe(true);
    expect(queue.shift()).toBeUndefined();
    queue.push(Buffer.from('c'));
    expect(String(queue.shift())).toBe('c');
  });
});
