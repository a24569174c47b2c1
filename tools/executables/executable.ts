/** Puts a bundled program into a copy of Node: https://nodejs.org/api/single-executable-applications.html */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COLLECTOR_FLAG, heapFlags } from '@berth/node-runtime';
import { ROOT } from './programs.ts';
import { HERE, type Platform, runtimeOf, versionOf } from './runtimes.ts';

/** Marks the place of the program; Node's own (src/node_sea.cc). */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

const POSTJECT = join(ROOT, 'node_modules/postject/dist/cli.js');

export interface Parts {
  code: string;
  /** name in the executable -> file */
  assets: Record<string, string>;
}

/**
 * Writes one executable.
 *
 * @param cache folder for runtimes that have to be fetched
 */
export function writeExecutable(parts: Parts, platform: Platform, file: string, cache: string): void {
  copyFileSync(runtimeOf(platform, cache), file);
  chmodSync(file, 0o755);
  const folder = mkdtempSync(join(tmpdir(), 'berth-executable-'));
  try {
    const blob = writeBlob(parts, platform, folder, cache);
    const place = ['--sentinel-fuse', FUSE, '--macho-segment-name', 'NODE_SEA'];
    run(process.execPath, [POSTJECT, file, 'NODE_SEA_BLOB', blob, ...place]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Made by the same version of Node as it is for: its form is nobody's interface. */
function writeBlob({ code, assets }: Parts, platform: Platform, folder: string, cache: string): string {
  const heap = heapFlags([], '', [COLLECTOR_FLAG]);
  const config = {
    main: join(folder, 'main.cjs'),
    output: join(folder, 'blob'),
    assets,
    disableExperimentalSEAWarning: true,
    // Compiled code is for one kind of processor.
    useCodeCache: platform === HERE,
    // An executable does not replace its process to get them, as programs do that run from their files.
    execArgv: heap,
  };
  writeFileSync(config.main, code);
  writeFileSync(join(folder, 'sea.json'), JSON.stringify(config));
  const maker = runtimeOf(HERE as Platform, cache, versionOf(platform));
  // Compiled code is refused by a process with another heap.
  run(maker, [...heap, '--experimental-sea-config', join(folder, 'sea.json')]);
  return config.output;
}

/** Quietly; what it says is in the error when it fails. */
function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
