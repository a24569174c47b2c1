import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import type * as Yaml from 'yaml';
import type { Problems, RawValue } from './problems.js';
import type { SettingInfo } from './program.js';

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
  return flattenTree(parseYaml(text, name, problems), name, settings, problems);
}

/** @returns undefined, as for an empty file, when it cannot be parsed */
function parseYaml(text: string, source: string, problems: Problems): unknown {
  const { LineCounter, parseDocument } = yaml();
  const lines = new LineCounter();
  // Pretty errors quote the file, and with it perhaps a secret: only code and place are shown.
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines, logLevel: 'silent' });
  for (const error of document.errors) {
    const { line, col } = lines.linePos(error.pos[0]);
    problems.add('config', `is not valid YAML at line ${line}, column ${col}: ${error.code}`, { source });
  }
  try {
    return document.errors.length > 0 ? undefined : document.toJS();
  } catch {
    problems.add('config', 'is not valid YAML: an alias leads nowhere, or to too much', { source });
    return undefined;
  }
}

/** A tree of settings as a list; keys that are no setting become problems. */
export function flattenTree(
  tree: unknown,
  source: string,
  settings: readonly SettingInfo[],
  problems: Problems,
  parent = '',
): RawValue[] {
  if (tree === null || tree === undefined) return []; // a section whose lines are all commented out
  if (typeof tree !== 'object' || Array.isArray(tree)) {
    problems.add(parent.slice(0, -1) || 'config', 'must be a group of settings', { source });
    return [];
  }
  return Object.entries(tree).flatMap(([key, value]: [string, unknown]) => {
    const path = parent + key;
    if (settings.some((setting) => setting.path === path)) {
      return value === null || value === undefined ? [] : [{ path, value, source }];
    }
    if (settings.some((setting) => setting.path.startsWith(`${path}.`))) {
      return flattenTree(value, source, settings, problems, `${path}.`);
    }
    problems.add(path, `is no setting; ${known(settings, parent)}`, { source });
    return [];
  });
}

function known(settings: readonly SettingInfo[], parent: string): string {
  const below = settings.filter((setting) => setting.path.startsWith(parent));
  const keys = new Set(below.map((setting) => setting.path.slice(parent.length).split('.')[0]));
  return `${parent === '' ? 'the file' : parent.slice(0, -1)} has ${[...keys].join(', ')}`;
}
