import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Child, freePortRange } from '@berth/testing';

const root = fileURLToPath(new URL('../', import.meta.url));
const run = promisify(execFile);
const text = readFileSync(join(root, 'docs/services.md'), 'utf8');

/** Compiling and starting on a slow machine with other work; the tests wait for no clock. */
const LONG_MS = 120_000;

const { version: VERSION, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  devDependencies: Record<string, string>;
};
const TYPES_NODE = devDependencies['@types/node'] ?? '';

/** The code blocks of the documentation's first page, by the file that their first line names. */
const firstPage = new Map(
  [...text.matchAll(/```ts\n\/\/ (src\/\S+\.ts)\n([\s\S]*?)```/g)].map(([, file = '', code = '']) => [file, code]),
);

/** An example of this repository, which somebody outside would write as it is. */
function example(file: string): string {
  return readFileSync(join(root, 'examples', file), 'utf8');
}

/** What has to be an error; where a type was lost on the way it is `any`, and there is none. */
const WRONG = `
import { client, Services } from 'berth-services';
import { ServicesModule } from 'berth-services-nest';
import { GatewayModule } from 'berth-gateway';
import { startAgent } from 'berth-agent';
import { block, startPolicyAgent } from 'berth-policy';
import { BerthError } from '@berth/errors';
import { HttpServerPool } from '@berth/http-server-pool';
import { PortAllocatorService } from '@berth/port-allocator';
import { Tally } from './tally.js';
const services = new Services({ services: [Tally] });
// @ts-expect-error the amount is a number
void client(Tally, { services }).object('tea').add('two');
// @ts-expect-error so is a time; this type comes from another of Berth's libraries
ServicesModule.forRoot({ defaultTimeoutMs: 'long' });
// @ts-expect-error and these settings
GatewayModule.forRoot({ settings: { auth: { token: 1 } } });
// @ts-expect-error settings are needed
void startAgent();
// @ts-expect-error a status is a number
void startPolicyAgent({ name: 'x', listen: 'unix:/x', onRequest: () => block('403') });
// @ts-expect-error a code of the table
new BerthError('NO_SUCH_CODE', 'message');
// @ts-expect-error a range is needed
new PortAllocatorService();
// @ts-expect-error no such method
new HttpServerPool().noSuchMethod();
`;

/** Installing over the network, on a slow machine. */
const INSTALL_MS = 300_000;

/** MB of an installed agent, without Node itself. */
const AGENT_MB = 45;

describe('the packages, installed by a project that uses them', () => {
  let packed = '';
  let project = '';

  beforeAll(async () => {
    packed = mkdtempSync(join(tmpdir(), 'berth-packed-'));
    await run(process.execPath, [join(root, 'tools/pack.ts'), packed], { timeout: LONG_MS });
    project = await install('berth', /./);
    write('package.json', '{ "name": "consumer", "type": "module" }');
    write('tsconfig.json', /```json\n([\s\S]*?)```/.exec(text)?.[1] ?? '');
    const { start: port } = await freePortRange(1);
    for (const [file, code] of firstPage) write(file, code.replaceAll('8080', String(port)));
    write('src/wrong.ts', WRONG);
    write('src/nest/app.ts', example('services-nest/app.ts'));
    write('src/nest/greeter.ts', example('services-nest/greeter.ts'));
    write('src/kiosks.ts', example('embed-in-nest/app.ts'));
    write('src/recent-events.ts', example('lifecycle-listener/recent-events.ts'));
    write('src/tenant-gate.ts', example('ingress-interceptor/tenant-gate.ts'));
    write(
      'src/nest.ts',
      `import { client, Services } from 'berth-services';
      import { startGreeter } from './nest/app.js';
      import { Greeter } from './nest/greeter.js';
      const app = await startGreeter({ mock: true }, 0);
      console.log(await client(Greeter, { services: app.get(Services) }).object('Ada').arrive('de'));
      await app.close();`,
    );
    await node(join(root, 'node_modules/typescript/bin/tsc'));
  }, INSTALL_MS);
  afterAll(() => {
    for (const folder of [packed, project]) if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  /** An empty folder with those of the packages whose file names match. */
  async function install(name: string, files: RegExp): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), `${name}-consumer-`));
    const archives = readdirSync(packed).filter((file) => files.test(file));
    const args = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', '--no-save'];
    await run('npm', [...args, ...archives.map((file) => join(packed, file)), `@types/node@${TYPES_NODE}`], {
      cwd: folder,
      timeout: INSTALL_MS,
    });
    return folder;
  }

  function write(file: string, content: string): void {
    mkdirSync(dirname(join(project, file)), { recursive: true });
    writeFileSync(join(project, file), content);
  }

  /** What it printed; what went wrong is in the error: tsc prints to stdout. */
  async function node(...args: string[]): Promise<string> {
    try {
      return (await run(process.execPath, args, { cwd: project, timeout: LONG_MS })).stdout;
    } catch (failed) {
      const { stdout = '', stderr = '' } = failed as { stdout?: string; stderr?: string };
      throw new Error(`node ${args.join(' ')}:\n${stdout}${stderr}`, { cause: failed });
    }
  }

  it('has the first page of the documentation, whole', () => {
    expect([...firstPage.keys()]).toEqual(['src/tally.ts', 'src/tally.test.ts', 'src/serve.ts', 'src/call.ts']);
  });

  it(
    'B15: runs the test of the first page',
    async () => {
      expect(await node('--test', '--test-reporter=tap', 'dist/tally.test.js')).toContain('# pass 1');
    },
    LONG_MS,
  );

  it(
    'B1, B13: runs the server of the first page, and its client',
    async () => {
      await using server = new Child(process.execPath, ['dist/serve.js'], { cwd: project });
      await server.printed(/listening/, LONG_MS);
      expect(await node('dist/call.js')).toBe('2\n6\n');
      server.kill('SIGINT');
      expect(await server.exit).toBe(0);
    },
    LONG_MS,
  );

  it(
    'runs the Nest module with the Nest of the project',
    async () => {
      expect(await node('dist/nest.js')).toBe('Guten Tag, Ada! Visit 1.\n');
    },
    LONG_MS,
  );

  it('has no other doors: what is not exported is not reached', async () => {
    write('inner.mjs', "await import('berth-services/dist/errors.js');");
    await expect(node('inner.mjs')).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  it(
    'has an agent that installs alone, small, with its binary',
    async () => {
      using stack = new DisposableStack();
      const folder = stack.adopt(await install('agent', /^berth-(agent|errors)-/), (it) =>
        rmSync(it, { recursive: true, force: true }),
      );
      const modules = join(folder, 'node_modules');
      const { stdout: size } = await run('du', ['-sk', '--apparent-size', '--exclude=@types', modules]);
      expect(Number.parseInt(size) / 1000).toBeLessThanOrEqual(AGENT_MB);
      for (const absent of ['@nestjs', 'express', 'rxjs', '@redis', 'prom-client', 'node'])
        expect(existsSync(join(modules, absent))).toBe(false);
      const { stdout } = await run(join(modules, '.bin/berth-agent'), ['--version']);
      expect(stdout).toBe(`${VERSION}\n`);
      await usesLibrary(folder);
    },
    INSTALL_MS,
  );

  /** The agent as a library, as an ES module and in CommonJS, with types of which each declaration is checked. */
  async function usesLibrary(folder: string): Promise<void> {
    const program = `
      startAgent({ handler: () => undefined, id: 'me', gateway: '127.0.0.1:1', timeoutMs: 100 }).catch((error) => {
        console.log(error instanceof BerthError, error.code);
      });`;
    writeFileSync(join(folder, 'a.mjs'), `import { BerthError, startAgent } from 'berth-agent';${program}`);
    writeFileSync(join(folder, 'b.cjs'), `const { BerthError, startAgent } = require('berth-agent');${program}`);
    for (const file of ['a.mjs', 'b.cjs'])
      expect(await run(process.execPath, [file], { cwd: folder, timeout: LONG_MS })).toEqual({
        stdout: 'true BERTH_START_TIMEOUT\n',
        stderr: '',
      });
    const typed = `
      import { type Agent, startAgent } from 'berth-agent';
      export async function main(): Promise<Agent> {
        // @ts-expect-error no such option
        await startAgent({ prot: 3000 });
        const agent = await startAgent({ target: 3000, expose: { api: 4000 }, tls: true, reconnect: { maxMs: 100 } });
        // @ts-expect-error no such event
        agent.on('rquest', () => undefined);
        return agent.on('request', ({ path, status }) => { console.log(path.length, status?.toFixed()); });
      }`;
    for (const file of ['c.mts', 'd.cts']) writeFileSync(join(folder, file), typed);
    const options = '--noEmit --strict --module nodenext --target es2024 --lib es2024,esnext.disposable --types node';
    const args = [...options.split(' '), '--skipLibCheck', 'false', 'c.mts', 'd.cts'];
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout: said } = await run(process.execPath, [tsc, ...args], { cwd: folder, timeout: LONG_MS }).catch(
      (failed: unknown) => failed as { stdout: string },
    );
    expect(said).toBe('');
  }

  it('has binaries that run, and that say what to do on a Node that is too old', async () => {
    for (const name of ['berth-gateway', 'berth-agent']) {
      const { stdout } = await run(join(project, 'node_modules/.bin', name), ['--version']);
      expect(stdout).toBe(`${VERSION}\n`);
    }
  });
});
