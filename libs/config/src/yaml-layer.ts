import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import type * as Yaml from 'yaml';
import type { Problems, RawValue } from './problems.js';
import type { SettingInfo } from './program.js';
import { didYouMean, similarNames } from './similar.js';
import { yamlErrorWords } from './yaml-errors.js';

const load = createRequire(import.meta.url);

/** The YAML library, loaded when there is something to read or print: it is 2 MB of an idle agent. */
export function yaml(): typeof Yaml {
  return load('yaml') as typeof Yaml;
}

/**
 * Settings found in the YAML file; what is wrong with the file goes into `problems`.
 *
 * @param namedBy what named the file; undefined: it is the usual one, which need not exist
 * @param cwd folder of a relative name
 */
export function readYamlLayer(
  name: string,
  namedBy: string | undefined,
  cwd: string,
  settings: readonly SettingInfo[],
  problems: Problems,
): RawValue[] {
  let text: string;
  try {
    text = readFileSync(resolve(cwd, name), 'utf8');
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' || namedBy !== undefined)
      problems.add('config', `the file cannot be read: ${code}`, { value: name, source: namedBy });
    return [];
  }
  const { tree, lineOf } = parseYaml(text, name, problems);
  const placeOf = (path: string): string => {
    const line = lineOf(path);
    return line === undefined ? name : `${name}:${line}`;
  };
  return flattenTree(tree, placeOf, settings, problems);
}

/** A file's content, and the line (from 1) on which the key of a setting or group stands, where that can be told. */
interface Parsed {
  readonly tree: unknown;
  readonly lineOf: (path: string) => number | undefined;
}

/** @returns no tree, as for an empty file, when it cannot be parsed */
function parseYaml(text: string, source: string, problems: Problems): Parsed {
  const { isMap, isScalar, LineCounter, parseDocument, visit } = yaml();
  const lines = new LineCounter();
  // Pretty errors quote the file, and with it perhaps a secret: only code and place are shown.
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines, logLevel: 'silent' });
  for (const error of document.errors) {
    const { line, col } = lines.linePos(error.pos[0]);
    problems.add('config', `${source}:${line}:${col}: ${yamlErrorWords(error.code)}`);
  }
  const lineOf = (path: string): number | undefined => {
    let node: unknown = document.contents;
    let at: number | undefined;
    for (const key of path.split('.')) {
      // What an alias brings in has no line of its own.
      const pair = isMap(node) ? node.items.find((one) => isScalar(one.key) && one.key.value === key) : undefined;
      if (pair === undefined) return undefined;
      at = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
      node = pair.value;
    }
    return at === undefined ? undefined : lines.linePos(at).line;
  };
  try {
    return { tree: document.errors.length > 0 ? undefined : document.toJS(), lineOf };
  } catch {
    let place = source;
    visit(document, {
      Alias: (_, alias) => {
        if (alias.resolve(document) !== undefined) return undefined;
        const { line, col } = lines.linePos(alias.range?.[0] ?? 0);
        place = `${source}:${line}:${col}`;
        return visit.BREAK;
      },
    });
    problems.add('config', `${place}: an alias (*name) leads nowhere, or to too much`);
    return { tree: undefined, lineOf };
  }
}

/**
 * A tree of settings as a list; keys that are no setting become problems.
 *
 * @param placeOf where the key at a path was found, for messages; `config` stands for the whole
 */
export function flattenTree(
  tree: unknown,
  placeOf: (path: string) => string,
  settings: readonly SettingInfo[],
  problems: Problems,
  parent = '',
): RawValue[] {
  if (tree === null || tree === undefined) return []; // a section whose lines are all commented out
  if (typeof tree !== 'object' || Array.isArray(tree)) {
    const path = parent.slice(0, -1) || 'config';
    const its = parent === '' ? '' : `; ${known(settings, parent)}`;
    problems.add(path, `must be a group of settings${its}`, { source: placeOf(path) });
    return [];
  }
  return Object.entries(tree).flatMap(([key, value]: [string, unknown]) => {
    const path = parent + key;
    if (settings.some((setting) => setting.path === path)) {
      return value === null || value === undefined ? [] : [{ path, value, source: placeOf(path) }];
    }
    if (settings.some((setting) => setting.path.startsWith(`${path}.`))) {
      return flattenTree(value, placeOf, settings, problems, `${path}.`);
    }
    const asked = problems.size < MOST_ASKED ? didYouMean(meant(settings, parent, key)) : '';
    problems.add(path, `is no setting; ${asked || known(settings, parent)}`, { source: placeOf(path) });
    return [];
  });
}

/** Whoever has more wrong than this is no typist, and each look takes a tenth of a millisecond. */
const MOST_ASKED = 50;

/** A name that stands in more groups than this says too little. */
const MOST_ELSEWHERE = 3;

/** What is spelled nearly so in the group, or so elsewhere: a setting or a group of them. */
function meant(settings: readonly SettingInfo[], parent: string, key: string): string[] {
  const paths = new Set(
    settings.flatMap(({ path }) => [...path.matchAll(/\.|$/g)].map((end) => path.slice(0, end.index))),
  );
  const elsewhere = [...paths].filter((path) => `.${path}`.endsWith(`.${key}`));
  const near = similarNames(key, keysOf(settings, parent)).map((name) => parent + name);
  return [...near, ...(elsewhere.length > MOST_ELSEWHERE ? [] : elsewhere)];
}

function known(settings: readonly SettingInfo[], parent: string): string {
  return `${parent === '' ? 'the file' : parent.slice(0, -1)} has ${[...keysOf(settings, parent)].join(', ')}`;
}

/** Names of the settings and groups of a group. */
function keysOf(settings: readonly SettingInfo[], parent: string): Set<string> {
  const below = settings.filter((setting) => setting.path.startsWith(parent));
  return new Set(below.map((setting) => setting.path.slice(parent.length).split('.')[0] ?? ''));
}
