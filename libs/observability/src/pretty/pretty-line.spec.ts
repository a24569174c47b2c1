import { type LogRecord, prettyLine } from './pretty-line.js';
import { cut, printable } from './printable.js';
import { plain } from './style.js';

const TIME = '2026-01-02T03:04:05.678Z';
const line = (record: Partial<LogRecord>, stacks = false): string =>
  prettyLine({ level: 'info', time: TIME, name: 'agent', ...record }, plain, stacks).replace(/^\d\d:\d\d:\d\d /, '');

describe('prettyLine', () => {
  it('has the time of day, the level unless it is info, the message, its reason, and fields', () => {
    const full = prettyLine({ level: 'info', time: TIME, msg: 'hello' }, plain);
    expect(full).toBe(`${new Date(TIME).toTimeString().slice(0, 8)} hello`);
    expect(line({ level: 'warn', msg: 'no', reason: 'it is so', port: 8100, text: 'a b', list: ['x'] })).toBe(
      'warn: no: it is so  port=8100 text="a b" list=["x"]',
    );
    expect(line({ event: 'registered', msg: 'registered' })).toBe('registered');
  });

  it('is one line for an error, without its stack; at debug the stack follows', () => {
    const err = { type: 'Error', message: 'broken\nin two', stack: 'Error: broken\n    at here\n    at there' };
    expect(line({ level: 'error', msg: 'failed', err })).toBe('error: failed: broken\\x0ain two');
    expect(line({ level: 'error', msg: 'failed: broken\nin two', err }, true)).toBe(
      'error: failed: broken\\x0ain two\n    at here\n    at there',
    );
  });

  it('lets nothing through that a terminal would obey, wherever it stands', () => {
    const evil = 'a\u001b[2J\r\n\u009b31m\u202e\u0000';
    for (const record of [
      { msg: evil },
      { reason: evil },
      { field: evil },
      { [evil]: 1 },
      { err: { message: evil } },
    ]) {
      const text = line(record);
      expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    }
  });

  it('cuts what is long', () => {
    expect(line({ msg: 'm'.repeat(10_000) }).length).toBeLessThan(2100);
    expect(line({ field: 'f'.repeat(10_000) }).length).toBeLessThan(400);
    expect([cut('abcdef', 6), cut('abcdef', 5)]).toEqual(['abcdef', 'abcd…']);
  });

  it('leaves other letters and signs as they are', () => {
    expect(printable('Grüße, 世界 ✓')).toBe('Grüße, 世界 ✓');
  });
});
