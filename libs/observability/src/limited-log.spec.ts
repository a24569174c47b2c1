import { jest } from '@jest/globals';
import type { Log } from './logger.js';
import { LimitedLog } from './limited-log.js';

describe('LimitedLog', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  function recorder(): { log: Log; lines: [string, object, string][] } {
    const lines: [string, object, string][] = [];
    const at =
      (level: string) =>
      (fields: object, message: string): void => {
        lines.push([level, fields, message]);
      };
    return {
      log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } as unknown as Log,
      lines,
    };
  }

  it('writes the first lines of a kind, and one line with the count of the rest', () => {
    const { log, lines } = recorder();
    const limited = new LimitedLog(log, { lines: 2, windowMs: 1000 });
    for (let i = 0; i < 100; i += 1) limited.warn({ i }, 'registration refused');
    expect(lines).toEqual([
      ['warn', { i: 0 }, 'registration refused'],
      ['warn', { i: 1 }, 'registration refused'],
    ]);
    jest.advanceTimersByTime(1000);
    expect(lines.slice(2)).toEqual([
      ['warn', { leftOut: 98, windowMs: 1000 }, 'registration refused: more lines were left out'],
    ]);
  });

  it('says whether a line was left out, and puts its own fields into each', () => {
    const { log, lines } = recorder();
    const limited = new LimitedLog(log, { lines: 1, windowMs: 1000 }, { agentId: 'a' });
    expect([limited.warn({ i: 0 }, 'x'), limited.warn({ i: 1 }, 'x')]).toEqual([true, false]);
    jest.advanceTimersByTime(1000);
    expect(lines).toEqual([
      ['warn', { agentId: 'a', i: 0 }, 'x'],
      ['warn', { agentId: 'a', leftOut: 1, windowMs: 1000 }, 'x: more lines were left out'],
    ]);
  });

  it('counts each kind and each level apart, and begins anew with each window', () => {
    const { log, lines } = recorder();
    const limited = new LimitedLog(log, { lines: 1, windowMs: 1000 });
    limited.warn({}, 'a');
    limited.warn({}, 'b');
    limited.error({}, 'a');
    expect(lines.map(([level, , message]) => `${level} ${message}`)).toEqual(['warn a', 'warn b', 'error a']);
    jest.advanceTimersByTime(1000);
    limited.warn({}, 'a');
    expect(lines).toHaveLength(4);
    jest.advanceTimersByTime(1000);
    expect(jest.getTimerCount()).toBe(0);
    expect(lines).toHaveLength(4);
  });
});
