import { globSync, readFileSync } from 'node:fs';

const TITLE = /(?:\b(?:describe|it|test|describeWithRedis|describeWithNats)\(|\)\()\s*(['"`])((?:\\.|(?!\1).)*)\1/gs;
const NUMBER = /\b([A-D])(\d{1,2})(?:(?:-| to )([A-D])?(\d{1,2}))?/g;
const ROW = /^\| ([A-D]\d{1,2}) \| (.*?) \|(?: [^|]*)?\|$/gm;

interface SpecFile {
  name: string;
  text: string;
}

/** The requirements that a title cites: `A5`, `B7 to B9`, `A1-A3`. */
export function citedIn(title: string): string[] {
  return [...title.matchAll(NUMBER)].flatMap(([, letter = '', first, , last = first]) =>
    Array.from({ length: Math.max(1, Number(last) - Number(first) + 1) }, (_, i) => `${letter}${Number(first) + i}`),
  );
}

/** Titles of tests and of groups of tests, in every form that names one. */
export function titlesIn(text: string): string[] {
  return [...text.matchAll(TITLE)].map(([, , title = '']) => title);
}

/** Which test files cite which requirement. */
export function citations(files: readonly SpecFile[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { name, text } of files)
    for (const title of titlesIn(text))
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
 * All specs of the repository.
 *
 * @param root folder of the checkout, with a slash at its end
 */
export function specFiles(root: string): SpecFile[] {
  const names = globSync('{apps,libs,test,examples}/**/*.spec.ts', { cwd: root, exclude: ['**/node_modules/**'] });
  return names.map((name) => ({ name, text: readFileSync(root + name, 'utf8') }));
}

/**
 * The page of the repository, as it is and as it should be.
 *
 * @param root folder of the checkout, with a slash at its end
 */
export function requirementsPage(root: string): { is: string; should: string } {
  const is = readFileSync(`${root}docs/requirements.md`, 'utf8');
  return { is, should: withTests(is, citations(specFiles(root))) };
}
