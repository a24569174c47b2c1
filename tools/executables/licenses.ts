/** The licenses of what is in an executable: they ask to travel with it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { ROOT } from './programs.ts';
import { HERE } from './runtimes.ts';

/** Names, versions and licenses of Node and of the packages from which some files are. */
export function licensesOf(files: readonly string[]): string {
  const packages = new Set(files.filter((file) => file.includes(`${sep}node_modules${sep}`)).map(packageOf));
  return [nodeLicense(), ...[...packages].sort().map(licenseOf)].join('\n');
}

function packageOf(file: string): string {
  let folder = dirname(file);
  // Some have a package.json without a name that only says of which kind their modules are.
  while (manifestOf(folder)?.name === undefined) folder = dirname(folder);
  return folder;
}

function manifestOf(folder: string): { name?: string; version?: string; license?: unknown } | undefined {
  const file = join(folder, 'package.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as object) : undefined;
}

function licenseOf(folder: string): string {
  const { name = folder, version = '', license } = manifestOf(folder) ?? {};
  const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file));
  const text = texts.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
  return `==== ${name} ${version} (${typeof license === 'string' ? license : 'see below'})\n${text}`;
}

/** Where its package stands that came with `npm ci`; else, as in Node's own archives, beside its `bin`. */
function nodeLicense(): string {
  const { version } = process;
  const places = [join(dirname(process.execPath), '../LICENSE')];
  try {
    const paths = [join(ROOT, 'node_modules/node')];
    places.unshift(
      join(dirname(createRequire(import.meta.url).resolve(`node-${HERE}/package.json`, { paths })), 'LICENSE'),
    );
  } catch {
    // Installed without scripts, as in a container that has a Node of its own.
  }
  const place = places.find((file) => existsSync(file));
  const text =
    place === undefined ? `https://github.com/nodejs/node/blob/${version}/LICENSE\n` : readFileSync(place, 'utf8');
  return `==== node ${version} (MIT and others)\n${text}`;
}
