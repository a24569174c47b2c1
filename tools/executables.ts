/**
 * Gateway and agent as single executables: npm run executables -- [--only linux-x64,win-x64] [--out folder]
 * Writes `berth-<program>-<platform>`, their checksums, and the licenses of what is in them.
 */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { bundle } from './executables/bundle.ts';
import { writeExecutable } from './executables/executable.ts';
import { licensesOf } from './executables/licenses.ts';
import { PROGRAMS, ROOT } from './executables/programs.ts';
import { type Platform, RUNTIMES } from './executables/runtimes.ts';

const { values } = parseArgs({ options: { only: { type: 'string' }, out: { type: 'string' } } });
const out = resolve(values.out ?? join(ROOT, 'dist/executables'));
const known = Object.keys(RUNTIMES) as Platform[];
const platforms = (values.only?.split(',') ?? known) as Platform[];
const unknown = platforms.filter((platform) => !known.includes(platform));
if (unknown.length > 0) {
  console.error(`--only: no such platform: ${unknown.join(', ')}; there are ${known.join(', ')}`);
  process.exit(2);
}

mkdirSync(out, { recursive: true });
const files: string[] = [];
const sums: string[] = [];
for (const program of PROGRAMS) {
  const bundled = await bundle(program);
  files.push(...bundled.files, ...Object.values(program.assets));
  for (const platform of platforms) {
    const file = join(out, `${program.name}-${platform}${platform === 'win-x64' ? '.exe' : ''}`);
    writeExecutable({ code: bundled.code, assets: program.assets }, platform, file, join(ROOT, 'dist/runtimes'));
    sums.push(`${await sha256(file)}  ${basename(file)}\n`);
    console.log(`${relative(process.cwd(), file)} ${Math.round(statSync(file).size / 1e6)} MB`);
  }
}
writeFileSync(join(out, 'SHA256SUMS'), sums.join(''));
writeFileSync(join(out, 'THIRD-PARTY.txt'), licensesOf(files));

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
