import { globSync, readFileSync } from 'node:fs';

const TITLE = /(?:\b(?:describe|it|test|describeWithRedis)\(|\)\()\s*(['"`])((?:\\.|(?!\1).)*)\1/gs;
const NUMBER = /\b([A-D])(\d{1,2})(?:(?:-| to )([A-D])?(\d{1,2}))?/g;
/** Points of an issue have letters and numbers, too. */
const OF_AN_ISSUE = /\bissue \d+,? [A-Z]\d+(?:(?:, | and | to )[A-Z]?\d+)*/g;
const ROW = /^\| ([A-D]\d{1,2}) \| (.*?) \|(?: [^|]*)?\|$/gm;

/** The requirements that a title cites: `A5`, `B7 to B9`, `A1-A3`. */
export function citedIn(title: string): string[] {
  return [...title.replaceAll(OF_AN_ISSUE, '').matchAll(NUMBER)].flatMap(([, letter = '', first, , last = first]) =>
    Array.from({ length: Math.max(1, Number(last) - Number(first) + 1) }, (_, i) => `${letter}${Number(first) + i}`),
  );
}

/** Which test files cite which requirement. */
export function citations(files: readonly { name: string; text: string }[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { name, text } of files)
    for (const [, , title = ''] of text.matchAll(TITLE))
      for (const cited of citedIn(title)) found.set(cited, (found.get(cited) ?? new Set()).add(name));
  return found;
}

/** The page with its column "shown by" as the tests are now. */
export function withTests(page: string, found: ReadonlyMap<string, ReadonlySet<string>>): string {
  return page.replaceAll(ROW, (_, id: string, statement: string) => {
    const tests = [...(found.get(id) ?? [])].toSorted().map((name) => `\`${name.replace('.spec.ts', '')}\``);
    return `| ${id} | ${statement} | ${tests.join(', ')}${tests.length > 0 ? ' ' : ''}|`;
  });
}

/**
 * The page of the repository, as it is and as it should be.
 *
 * @param root folder of the checkout, with a slash at its end
 */
export function requirementsPage(root: string): { is: string; should: string } {
  const names = globSync('{apps,libs,test,examples}/**/*.spec.ts', { cwd: root, exclude: ['**/node_modules/**'] });
  const files = names.map((name) => ({ name, text: readFileSync(root + name, 'utf8') }));
  const is = readFileSync(`${root}docs/requirements.md`, 'utf8');
  return { is, should: withTests(is, citations(files)) };
}
