import { getAt, setAt } from './draft.js';
import { type ProgramNames, settingsOf } from './program.js';
import { withoutUserInfo } from './user-info.js';
import { yaml } from './yaml-layer.js';

/** Settings as YAML for people and logs; each secret that is set reads `[REDACTED]`, and the user of a URL. */
export function redactedYaml(program: ProgramNames, settings: object): string {
  const copy = structuredClone(settings);
  for (const { path, kind, secret } of settingsOf(program)) {
    const value = getAt(copy, path);
    if (secret === true && value !== '') setAt(copy, path, '[REDACTED]');
    else if (kind === 'text' && typeof value === 'string') setAt(copy, path, withoutUserInfo(value));
  }
  return yaml().stringify(copy);
}
