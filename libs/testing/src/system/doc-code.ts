import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CompilerHost } from 'typescript';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** A TypeScript block of a page. */
export interface CodeBlock {
  /** page and line, for messages: `extending.md:11` */
  readonly place: string;
  readonly code: string;
}

/** The TypeScript blocks of a page of documentation. @param page from the root: `docs/extending.md` */
export function codeBlocks(page: string): CodeBlock[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(({ 1: code = '', index }) => ({
    place: `${basename(page)}:${text.slice(0, index).split('\n').length + 1}`,
    code,
  }));
}

/**
 * The rows of a table of a page, cell by cell, without the marks of code.
 *
 * @param page from the root: `docs/services.md`
 * @param first what stands in the first cell of its head
 */
export function tableRows(page: string, first: string): string[][] {
  const lines = readFileSync(join(ROOT, page), 'utf8').split('\n');
  const at = lines.findIndex((line) => cellsOf(line)[0] === first);
  if (at < 0) throw new Error(`${page} has no table that begins with '${first}'`);
  const end = lines.findIndex((line, i) => i > at && !line.startsWith('|'));
  return lines.slice(at + 2, end).map(cellsOf);
}

function cellsOf(line: string): string[] {
  const cells = line.startsWith('|') ? line.split('|').slice(1, -1) : [];
  return cells.map((cell) => cell.trim().replaceAll('`', ''));
}

/** What the compiler says of blocks, each a module by itself, by the rules of this repository. */
export async function typeErrors(blocks: readonly CodeBlock[]): Promise<string[]> {
  // Only for those who ask: it takes its time to load.
  const { default: ts } = await import('typescript');
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (file) => readFileSync(file, 'utf8')) as {
    config: object;
  };
  const options = { ...ts.parseJsonConfigFileContent(config, ts.sys, ROOT).options, noUnusedLocals: false };
  // Where our packages are found by their names.
  const files = new Map(blocks.map((block, i) => [join(ROOT, 'test', `block-${i}.ts`), block]));
  const plain = ts.createCompilerHost(options);
  const host: CompilerHost = {
    ...plain,
    fileExists: (name) => files.has(name) || plain.fileExists(name),
    readFile: (name) => files.get(name)?.code ?? plain.readFile(name),
    getSourceFile: (name, target, ...rest) => {
      const block = files.get(name);
      if (block === undefined) return plain.getSourceFile(name, target, ...rest);
      return ts.createSourceFile(name, block.code, target);
    },
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files].flatMap(([name, { place }]) => {
    const source = program.getSourceFile(name);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map((each) => {
      const line = source?.getLineAndCharacterOfPosition(each.start ?? 0).line ?? 0;
      return `${place} + ${line}: ${ts.flattenDiagnosticMessageText(each.messageText, ' ')}`;
    });
  });
}
