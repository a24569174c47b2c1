import { execFileSync } from 'node:child_process';
import { jest } from '@jest/globals';
import { connectionCapacity, descriptorLimit, isDescriptorError, watchDescriptors } from './index.js';

const GiB = 1024 ** 3;

describe('descriptors', () => {
  it('reads the limit of the process', () => {
    const shown = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
    expect(descriptorLimit()).toBe(shown === 'unlimited' ? Infinity : Number(shown));
  });

  it.each([
    [256, 16 * GiB, 192],
    [20_000, 16 * GiB, 15_000],
    [1_048_576, GiB, 16_384],
    [Infinity, 16 * GiB, 262_144],
    [1, GiB, 1],
  ])('with %d descriptors and %d bytes of memory it can hold %d connections', (limit, memory, holds) => {
    expect(connectionCapacity(limit, memory)).toBe(holds);
  });

  it('tells each episode without descriptors once, and its end', () => {
    jest.useFakeTimers();
    try {
      const told: string[] = [];
      let error: Error | undefined;
      const stop = watchDescriptors(
        { exhausted: (open) => told.push(`exhausted ${open}`), recovered: (ms) => told.push(`recovered ${ms}`) },
        256,
        () => {
          if (error !== undefined) throw error;
        },
        1000,
      );
      jest.advanceTimersByTime(3000);
      error = Object.assign(new Error('no descriptor'), { code: 'EMFILE' });
      jest.advanceTimersByTime(3000);
      error = undefined;
      jest.advanceTimersByTime(3000);
      error = Object.assign(new Error('something else'), { code: 'EACCES' });
      jest.advanceTimersByTime(3000);
      expect(told).toEqual(['exhausted 256', 'recovered 3000']);
      stop();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it('knows the errors that say so', () => {
    expect(isDescriptorError({ code: 'ENFILE' })).toBe(true);
    expect([isDescriptorError(new Error('x')), isDescriptorError(undefined)]).toEqual([false, false]);
  });
});
