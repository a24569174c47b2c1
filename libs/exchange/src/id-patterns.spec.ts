import { checkIdPattern, IdPatterns } from './id-patterns.js';

describe('patterns for agent ids', () => {
  const patterns = new IdPatterns([
    ['web-*', 'web'],
    ['*.eu', 'europe'],
    ['web-7', 'seven'],
    ['a*b*c', 'abc'],
  ]);

  it.each([
    ['web-7', 'seven'],
    ['web-71', 'web'],
    ['web-1.eu', 'web'],
    ['db.eu', 'europe'],
    ['abc', 'abc'],
    ['a-b-b-c', 'abc'],
  ])('C17: %s is %s: exact ids come first, then the first pattern that fits', (id, expected) => {
    expect(patterns.find(id)).toBe(expected);
  });

  it.each(['web', 'Xweb-1', 'dbeeu', 'ab', 'WEB-7', ''])(
    'C17: nothing fits %s: dots are dots, and all of it counts',
    (id) => {
      expect(patterns.find(id)).toBeUndefined();
    },
  );

  it.each(['*', 'a', 'a-*', '*.x', 'a**b'])('%s is a pattern', (pattern) => {
    expect(checkIdPattern(pattern)).toBeUndefined();
  });

  it.each(['', 'a b', '-*', 'ä*', '(a)', `${'a'.repeat(65)}*`])('%s is none', (pattern) => {
    expect(checkIdPattern(pattern)).toContain(pattern);
  });

  it('takes no time for an id that nearly fits many stars', () => {
    const stars = new IdPatterns([[`${'*a'.repeat(8)}*b`, true]]);
    const since = performance.now();
    expect(stars.find('a'.repeat(64))).toBeUndefined();
    expect(performance.now() - since).toBeLessThan(5000);
  });
});
