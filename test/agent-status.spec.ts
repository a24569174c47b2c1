import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePortRange, localService } from '@berth/testing';
import { gatewayProgram, Program, urlOf } from '@berth/testing/system';

/** For nine programs one after the other on a busy machine; each took more than a second there. */
const MANY_STARTS_MS = 60_000;

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'berth-run-'));
});
afterEach(() => {
  rmSync(run, { recursive: true });
});

/** With folders of its own, since other agents may run on this machine. */
const agent = (...args: string[]): Program => new Program('agent', args, { XDG_RUNTIME_DIR: run, TMPDIR: run });

async function status(...args: string[]): Promise<{ code: number | string; stdout: string; stderr: string }> {
  await using asking = agent('status', ...args);
  return { code: await asking.exit, stdout: asking.stdout, stderr: asking.stderr };
}

describe('berth-agent status', () => {
  it('is what the image of the agent has for its health', () => {
    const dockerfile = readFileSync(new URL('../Dockerfile', import.meta.url), 'utf8');
    const [, stage = ''] = /^FROM \S+ AS agent$(.*?)^FROM /ms.exec(dockerfile) ?? [];
    expect(stage).toMatch(/^HEALTHCHECK .* CMD \["berth-agent", "status"\]$/m);
    const [, entry = ''] = /^ENTRYPOINT \["(.*)"\]$/m.exec(stage) ?? [];
    expect(entry).toBe('berth-agent');
    // Of a container with a read-only file system.
    const [, folder = ''] = /^ENV XDG_RUNTIME_DIR=(.*)$/m.exec(stage) ?? [];
    expect(folder).toBe('/dev/shm');
  });

  it(
    'tells of every agent that runs, as long as it runs',
    async () => {
      expect(await status()).toEqual({ code: 3, stdout: '', stderr: 'no agent of this user runs here\n' });
      await using service = await localService((_, response) => response.end('hello'));
      await using gateway = await gatewayProgram(await freePortRange(2));
      const dial = ['--gateway', `127.0.0.1:${gateway.grpcPort}`];
      await using kiosk = agent(String(service.port), '--id', 'kiosk-7', ...dial);
      const { url } = await urlOf(kiosk);
      await (await fetch(url)).text();
      const { code, stdout } = await status();
      expect(code).toBe(0);
      expect(stdout).toMatch(/^kiosk-7 \(pid \d+, Berth \S+\) is connected to 127\.0\.0\.1:\d+ for \d+ s\n/);
      expect(stdout).toContain(`${url} -> http://localhost:${service.port} (default): answers\n`);
      expect(stdout).toContain('1 exchange since the start, 0 failed, 0 under way; memory ');

      await using lost = agent('1', '--id', 'lost', '--gateway', '127.0.0.1:1');
      await lost.printed(/nothing listens/);
      const both = await status('--json');
      expect(both.code).toBe(1);
      expect(JSON.parse(both.stdout)).toMatchObject([
        { id: 'kiosk-7', pid: kiosk.pid, connected: true, services: [{ url, answering: true }], exchanges: 1 },
        { id: 'lost', connected: false, reason: { code: 'BERTH_CONNECTION_CLOSED' }, services: [{ answering: false }] },
      ]);
      expect((await status('kiosk-7')).code).toBe(0);
      expect((await status('lost')).stdout).toMatch(/^lost .* is not connected .*; next attempt in \d\.\d s\n/);
      expect(await status('nobody')).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('but kiosk-7, lost') as string,
      });

      for (const one of [kiosk, lost]) await one.stop();
      expect(readdirSync(join(run, 'berth'))).toEqual([]);
    },
    MANY_STARTS_MS,
  );
});
