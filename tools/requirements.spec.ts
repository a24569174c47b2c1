import { fileURLToPath } from 'node:url';
import { citations, citedIn, requirementsPage, specFiles, titlesIn, withTests } from './requirements.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

describe('docs/requirements.md', () => {
  it('names the tests that show each requirement', () => {
    const { is, should } = requirementsPage(root);
    // Out of date? node tools/write-requirements.ts
    expect(is).toBe(should);
  });

  it('titles say what is guaranteed: the number of an issue says nothing to who reads the repository alone', () => {
    const cited = specFiles(root).flatMap(({ name, text }) =>
      titlesIn(text)
        .filter((title) => /\bissue \d/.test(title))
        .map((title) => `${name}: ${title}`),
    );
    expect(cited).toEqual([]);
  });

  it.each([
    ['A5: listens before the registration is answered', ['A5']],
    ['B2, B3, B7 to B9', ['B2', 'B3', 'B7', 'B8', 'B9']],
    ['the pool (D1-D3)', ['D1', 'D2', 'D3']],
    ['nothing is kept', []],
    ['fair (C7)', ['C7']],
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
