import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';

const load = createRequire(import.meta.url);

/** The YAML library, loaded when there is something to read or print: it is 2 MB of an idle agent. */
export function yaml(): typeof Yaml {
  return load('yaml') as typeof Yaml;
}
