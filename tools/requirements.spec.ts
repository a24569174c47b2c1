import { fileURLToPath } from 'node:url';
import { citations, citedIn, requirementsPage, withTests } from './requirements.ts';

describe('docs/requirements.md', () => {
  it('names the tests that show each requirement', () => {
    const { is, should } = requirementsPage(fileURLToPath(new URL('../', import.meta.url)));
    // Out of date? node tools/write-requirements.ts
    expect(is).toBe(should);
  });

  it.each([
    ['A5: listens before the registration is answered', ['A5']],
    ['B2, B3, B7 to B9', ['B2', 'B3', 'B7', 'B8', 'B9']],
    ['the pool (D1-D3)', ['D1', 'D2', 'D3']],
    ['issue 8, A1: nothing is kept', []],
    ['issue 8, B6 and B7: fair (C7)', ['C7']],
    ['HTTP2 and 1A1', []],
  ])('reads %j', (title, cited) => {
    expect(citedIn(title)).toEqual(cited);
  });

  it('finds titles in every form of a test, and writes them into their rows', () => {
    const text =
      "describe('x (A1)', () => {}); it.each([\n1])(\n'A2: %d', () => {}); const a = 'A3'; it(`A4`, () => {});";
    const found = citations([{ name: 'test/x.spec.ts', text }]);
    expect([...found.keys()]).toEqual(['A1', 'A2', 'A4']);
    expect(withTests('| A1 | one \\| two | old |\n| A3 | three | |', found)).toBe(
      '| A1 | one \\| two | `test/x` |\n| A3 | three | |',
    );
  });
});
