import fc from 'fast-check';
import { labelValue, parseSeriesKey } from './series-key.js';

describe('names of series with labels', () => {
  it.each([
    ['load', 'load', ''],
    ['_x9', '_x9', ''],
    ['queue{name="mail"}', 'queue', 'name="mail"'],
    ['q{b="2",a="1"}', 'q', 'a="1",b="2"'],
    ['q{a=""}', 'q', 'a=""'],
    ['q{a="x}y,z=\\"w\\""}', 'q', 'a="x}y,z=\\"w\\""'],
    ['q{a="back\\\\slash",b="new\\nline"}', 'q', 'a="back\\\\slash",b="new\\nline"'],
    ['q{a="ä{}="}', 'q', 'a="ä{}="'],
  ])('reads %s', (text, name, labels) => {
    expect(parseSeriesKey(text)).toEqual({ name, labels });
  });

  it.each([
    '',
    '9x',
    'a b',
    'a-b',
    'a:b',
    'ä',
    'x{}',
    'x{',
    'x}',
    'x{a}',
    'x{a=1}',
    'x{a="1"',
    'x{a="1"}y',
    'x{a="1",}',
    'x{,a="1"}',
    'x{a="1",,b="2"}',
    'x{a="1" b="2"}',
    'x{a="1"b="2"}',
    'x{a = "1"}',
    'x{a="1",a="2"}',
    'x{9="1"}',
    'x{a="1\n"}',
    'x{a="\\t"}',
    'x{a="\\"}',
    'x{a="1"}\n',
    'x\n',
    `x{a="${'y'.repeat(512)}"}`,
  ])('refuses %j', (text) => {
    expect(parseSeriesKey(text)).toBe('name');
  });

  it.each(['agent_id', 'replica', 'le', 'quantile', '__name__'])('leaves the label %s to the gateway', (label) => {
    expect(parseSeriesKey(`x{a="1",${label}="mine"}`)).toBe('label');
  });

  it('reads whatever value is written as one, in any order of labels (model)', () => {
    const label = fc.stringMatching(/^[a-z]{1,5}$/).filter((name) => name !== 'le');
    const labels = fc.uniqueArray(fc.tuple(label, fc.string({ maxLength: 20, unit: 'grapheme' })), {
      selector: ([name]) => name,
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(labels, (all) => {
        const write = (list: typeof all): string =>
          list.map(([name, value]) => `${name}="${labelValue(value)}"`).join(',');
        const sorted = all.toSorted(([a], [b]) => (a < b ? -1 : 1));
        expect(parseSeriesKey(`x{${write(all)}}`)).toEqual({ name: 'x', labels: write(sorted) });
      }),
    );
  });

  it('is quick with what looks like a label for long', () => {
    const began = performance.now();
    for (let i = 0; i < 1000; i += 1) parseSeriesKey(`x{a="${'\\\\'.repeat(250)}`.padEnd(511, '"') + '}');
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
