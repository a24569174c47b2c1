import { jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Child, freePortRange, localService } from '@berth/testing';
import { gatewayEnv } from '@berth/testing/system';

const root = fileURLToPath(new URL('../', import.meta.url));
const run = promisify(execFile);
jest.setTimeout(60_000);

const HERE = `${process.platform}-${process.arch}`;
/** A bound for what hangs: it takes 8 s of CPU. */
const BUILD_MS = 240_000;
const { version: VERSION } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** The system for which an executable can be built from the Node of this test, without the registry. */
const onLinux = HERE === 'linux-x64' ? describe : describe.skip;

onLinux('the single executables', () => {
  let folder = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'berth-executables-'));
    await run(process.execPath, [join(root, 'tools/executables.ts'), '--only', HERE, '--out', folder]);
  }, BUILD_MS);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const file = (program: 'gateway' | 'agent'): string => join(folder, `berth-${program}-${HERE}`);
  const start = (program: 'gateway' | 'agent', args: string[], env: Record<string, string> = {}): Child =>
    new Child(file(program), args, { cwd: folder, env });

  async function gateway(): Promise<{ program: Child; admin: string; grpc: string }> {
    const env = { ...gatewayEnv(await freePortRange(2)), STATE_FILE: join(folder, 'state.db') };
    const program = start('gateway', [], env);
    const [, admin, grpc] = await program.printed(/"admin":"[^"]*:(\d+)","grpc":"[^"]*:(\d+)"/);
    return { program, admin: `http://127.0.0.1:${admin}`, grpc: `127.0.0.1:${grpc}` };
  }

  it.each(['gateway', 'agent'] as const)('say version and help: %s', async (program) => {
    expect((await run(file(program), ['--version'])).stdout).toBe(`${VERSION}\n`);
    expect((await run(file(program), ['--help'])).stdout).toContain(`berth-${program}`);
  });

  it('end with 2 on wrong settings, and take flags of Node for none of theirs', async () => {
    await using program = start('agent', ['3000', '--id', 'laptop', '--inspect']);
    expect(await program.exit).toBe(2);
    expect(program.stderr).toContain('--inspect');
  });

  it('relay a request, and end in order on SIGTERM', async () => {
    await using service = await localService((request, response) => request.pipe(response));
    const { program, grpc } = await gateway();
    await using _gateway = program;
    await using agent = start('agent', [String(service.port), '--id', 'laptop', '--gateway', grpc]);
    const [, url = ''] = await agent.printed(/"url":"(http:\/\/127\.0\.0\.1:\d+)"/);
    const body = 'x'.repeat(1_000_000);
    expect(await (await fetch(url, { method: 'POST', body })).text()).toBe(body);
    for (const child of [agent, program]) {
      child.kill();
      expect(await child.exit).toBe(0);
      expect(child.stderr).not.toMatch(/warning/i);
    }
  });

  it('bring the page of the admin API along, and serve nothing of the folder they stand in', async () => {
    const { program, admin } = await gateway();
    await using _gateway = program;
    const page = await fetch(`${admin}/docs`);
    const links = [...(await page.text()).matchAll(/(?:href|src)="(?:\.\/)?([^"]+)"/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThanOrEqual(5);
    for (const link of links) {
      const answer = await fetch(new URL(link, `${admin}/`));
      expect([link, answer.status]).toEqual([link, 200]);
      const expected = /\.css$/.test(link) ? 'text/css' : /\.js$/.test(link) ? 'javascript' : 'image/png';
      expect(answer.headers.get('content-type')).toContain(expected);
      expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(500);
    }
    for (const name of [`berth-gateway-${HERE}`, 'state.db', 'SHA256SUMS', 'constructor'])
      expect((await fetch(`${admin}/docs/${name}`)).status).toBe(404);
    const described = (await (await fetch(`${admin}/docs/openapi.json`)).json()) as object;
    expect(described).toEqual(JSON.parse(readFileSync(join(root, 'docs/openapi.json'), 'utf8')));
  });

  it('stand beside their checksums, and the licenses of what is in them', () => {
    const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8').trim().split('\n');
    expect(sums).toEqual(
      (['gateway', 'agent'] as const).map((program) => {
        const sum = createHash('sha256')
          .update(readFileSync(file(program)))
          .digest('hex');
        return `${sum}  berth-${program}-${HERE}`;
      }),
    );
    const licenses = readFileSync(join(folder, 'THIRD-PARTY.txt'), 'utf8');
    for (const name of ['@grpc/grpc-js', '@nestjs/core', 'express', 'undici', 'swagger-ui-dist', 'node'])
      expect(licenses).toContain(`==== ${name} `);
  });
});
