import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Absolute path of a file below `proto/`.
 * The folder is looked for upwards: in a checkout it stands at the top, in an
 * installed package beside its `package.json`.
 *
 * @param name path below `proto/`, such as `berth/tunnel/v1/tunnel.proto`
 * @throws Error when no folder above holds it
 */
export function protoFile(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = join(folder, 'proto', name);
    if (existsSync(candidate)) return candidate;
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`proto/${name} is missing from this installation`);
    folder = parent;
  }
}
