import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../deploy/systemd/', import.meta.url));
const units = readdirSync(FOLDER);
const run = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' });
const whereSystemd = run('--version').status === 0 ? describe : describe.skip;

/** What `systemd-analyze security` calls well protected, from 0 to 10. */
const MAX_EXPOSURE = 3;

whereSystemd('the units of systemd', () => {
  it.each(units)('%s shuts the program off from what it does not need', (unit) => {
    const { stdout, stderr } = run('security', '--offline=true', join(FOLDER, unit));
    const [, exposure = stderr] = /Overall exposure level for \S+: (\d+\.\d+)/.exec(stdout) ?? [];
    expect(Number(exposure)).toBeLessThan(MAX_EXPOSURE);
  });

  it.each(units)('%s has nothing that systemd does not know', (unit) => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-units-'));
    try {
      // The program need not be on this machine.
      const text = readFileSync(join(FOLDER, unit), 'utf8').replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`);
      writeFileSync(join(folder, unit), text);
      const { status, stderr } = run('verify', join(folder, unit));
      const ours = stderr.split('\n').filter((line) => line.includes(unit));
      expect([status, ...ours]).toEqual([0]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
