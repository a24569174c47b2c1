import { execFileSync, spawnSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { root } from './repository.js';

/** What the numbers were measured on. */
export function machine(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 1024 / 1024),
    kernel: release(),
    node: process.version,
    nginx: versionOf('nginx', '-v'),
    wrk: versionOf('wrk', '-v'),
    h2load: versionOf('h2load', '--version'),
    nats: versionOf('nats-server', '--version'),
    commit: commit(),
  };
}

function versionOf(command: string, flag: string): string {
  const { stdout, stderr } = spawnSync(command, [flag], { encoding: 'utf8' });
  return `${stdout}${stderr}`.split('\n', 1)[0] ?? '';
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
