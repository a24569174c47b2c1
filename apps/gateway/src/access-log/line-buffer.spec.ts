import fc from 'fast-check';
import { LineBuffer } from './line-buffer.js';

describe('a buffer for lines', () => {
  const buffer = new LineBuffer(64);

  it('has integers as they are written', () => {
    const integer = fc.oneof(fc.maxSafeNat(), fc.nat({ max: 1001 }), fc.constantFrom(-1, 1e21));
    fc.assert(
      fc.property(integer, (value) => {
        expect(buffer.integer(value).takeText()).toBe(String(value));
      }),
    );
  });

  it('has times in ms, exact to the µs', () => {
    const ms = fc.oneof(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.nat({ max: 2000 }));
    fc.assert(
      fc.property(ms, (value) => {
        expect(buffer.millis(value).takeText()).toBe(String(Math.round(value * 1000) / 1000));
      }),
    );
  });

  it('gives what it has as bytes of their own, and is empty then', () => {
    const first = buffer.text('one').take();
    buffer.text('two');
    expect([first.toString(), buffer.takeText(), buffer.length]).toEqual(['one', 'two', 0]);
  });
});
