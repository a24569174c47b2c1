import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Redactor } from './redactor.js';

function redacted(...parts: (string | Buffer)[]): string {
  const redactor = new Redactor();
  const out = parts.map((part, at) => redactor.push(Buffer.from(part), at === parts.length - 1));
  return Buffer.concat(out).toString();
}

describe('example: card numbers and e-mail addresses', () => {
  it.each([
    ['{"card":"4111 1111 1111 1111"}', '{"card":"4000 0000 0000 1111"}'],
    ['{"card":4111111111111111}', '{"card":4000000000001111}'],
    ['["5500-0000-0000-0004"]', '["5000-0000-0000-0004"]'],
    ['{"order":4111111111111112}', '{"order":4111111111111112}'],
    ['{"at":"20260101123000"}', '{"at":"20260101123000"}'],
    ['{"to":"ada.l+x@example.org"}', '{"to":"*******@example.org"}'],
    [String.raw`{"to":"ada\u0040example.org"}`, String.raw`{"to":"***\u0040example.org"}`],
    ['{"name":"Zoë","mail":"a@b.co"}', '{"name":"Zoë","mail":"*@b.co"}'],
  ])('%s', (text, expected) => {
    expect(redacted(text)).toBe(expected);
    expect(redacted(...[...Buffer.from(text)].map((byte) => Buffer.from([byte])))).toBe(expected);
  });

  const word = fc.constantFrom(
    '4111111111111111',
    'a@b.co',
    'x'.repeat(70),
    '@',
    '.',
    ' ',
    '"',
    '1',
    '-',
    'é',
    '4111 1111 ',
  );

  it('are found wherever the text is cut, and the length stays', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), fc.array(fc.nat(2000), { maxLength: 6 }), (words, cuts) => {
        const bytes = Buffer.from(words.join(''));
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const parts = places.slice(1).map((end, at) => bytes.subarray(places[at], end));
        const out = redacted(...parts);
        expect(out).toBe(redacted(bytes));
        expect(Buffer.byteLength(out)).toBe(bytes.length);
      }),
      { numRuns: 500 },
    );
  });

  it('it holds back no more than it must, whatever comes', () => {
    const redactor = new Redactor();
    let given = 0;
    for (let taken = 1000; taken <= 1_000_000; taken += 1000) {
      given += redactor.push(Buffer.alloc(1000, 'a'), false).length;
      expect(taken - given).toBeLessThanOrEqual(330);
    }
  });
});
