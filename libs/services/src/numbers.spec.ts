import { ServerError } from './errors.js';
import { wholeNumber, wholeNumbers } from './numbers.js';

describe('whole numbers of options', () => {
  it('are within their bounds, both allowed', () => {
    for (const value of [2, 3, 5]) expect(wholeNumber('it', value, 2, 5)).toBe(value);
    for (const value of [1, 6, 2.5, NaN, Infinity, '3' as never])
      expect(() => wholeNumber('it', value, 2, 5)).toThrow(`it is ${value}; it must be a whole number from 2 to 5`);
  });

  it('without an upper bound are as exact as JavaScript has them', () => {
    expect(wholeNumber('it', Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER);
    for (const value of [0, 2 ** 53, Infinity])
      expect(() => wholeNumber('it', value)).toThrow(`it is ${value}; it must be a whole number from 1`);
  });

  it('are read from options by a table of defaults, which names the wrong one', () => {
    const limits = { most: 7, waitMs: { default: 5, least: 0, most: 9 } };
    expect(wholeNumbers({}, limits)).toEqual({ most: 7, waitMs: 5 });
    expect(wholeNumbers({ most: 1, waitMs: 0 }, limits)).toEqual({ most: 1, waitMs: 0 });
    const refusing = (message: string): Error => new ServerError('BERTH_SERVICE_INVALID', message);
    expect(() => wholeNumbers({ most: 0 }, limits, refusing)).toThrow(ServerError);
    expect(() => wholeNumbers({ waitMs: 10 }, limits)).toThrow('waitMs is 10; it must be a whole number from 0 to 9');
  });
});
