import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, freePortRange } from '@berth/testing';
import { Program } from '@berth/testing/system';

const MAIN = fileURLToPath(new URL('../apps/gateway/dist/main.js', import.meta.url));
const itAtTerminal = spawnSync('script', ['--version']).status === 0 ? it : it.skip;

describe('berth-gateway quick', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-quick-'));
  writeFileSync(join(folder, 'token'), 'hush');
  writeFileSync(join(folder, 'application.yaml'), `auth: { tokenFile: ${join(folder, 'token')} }`);
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  itAtTerminal.each([
    [
      'shows the secret that it made',
      'quick',
      {},
      /export BERTH_TOKEN=([\w-]{32})\r\n {2}berth-agent 3000 --gateway \S+:/,
    ],
    ['never shows one that was given', 'quick', { BERTH_TOKEN: 'hush' }, /export BERTH_TOKEN=(…) /],
    [
      'makes none where a file has one',
      `quick --config ${join(folder, 'application.yaml')}`,
      {},
      /export BERTH_TOKEN=(…) /,
    ],
    [
      'is what npm run gateway shows',
      '',
      { BERTH_TOKEN: 'hush', npm_lifecycle_event: 'gateway' },
      /export BERTH_TOKEN=(…) .*\r\n {2}npm run agent -- 3000/,
    ],
  ])('%s', async (_, command, env, shown) => {
    const { start, end } = await freePortRange(1);
    const ports = `--http-port 0 --grpc-port 0 --http-agent-port-range-start ${start} --http-agent-port-range-end ${end}`;
    const line = `${process.execPath} ${MAIN} ${command} ${ports} --state-file ''`;
    await using gateway = new Child('script', ['-qec', line, '/dev/null'], {
      env: { PATH: process.env['PATH'] ?? '', NO_COLOR: '1', ...env },
    });
    await gateway.printed(shown);
    expect(gateway.stdout).toContain('need the token');
    expect(gateway.stdout).not.toContain('hush');
    // The terminal's Ctrl-C, so that nothing is left of it.
    gateway.process.stdin?.write('\u0003');
    await gateway.exit;
  });

  it('is refused where there is no terminal for a secret', async () => {
    await using gateway = new Program('gateway', ['quick']);
    expect(await gateway.exit).toBe(2);
    expect(gateway.stderr).toMatch(/^quick: it shows a secret, so it needs a terminal/);
  });
});
