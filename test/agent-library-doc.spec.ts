import { fileURLToPath } from 'node:url';
import { Child, eventually, localService } from '@berth/testing';
import { codeBlocks, testGateway } from '@berth/testing/system';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** A program that starts on a slow machine. */
const LONG_MS = 60_000;

/** Blocks whose syntax Node itself does not run. */
const HAS_DECORATORS = /^@\w+\(/m;

// test/documented-code.spec.ts compiles them.
describe('the programs of docs/agent-library.md', () => {
  const blocks = codeBlocks('docs/agent-library.md').filter(({ code }) => !HAS_DECORATORS.test(code));

  it.each(blocks.map(({ place, code }) => [place, code]))(
    '%s runs as it is written',
    async (_place, code) => {
      await using gateway = await testGateway({ auth: { token: 'the-token' } });
      await using service = await localService((_, response) => response.end('the service'));
      // What has no place for a token on a page has one here, as has the address.
      const program = code
        .replaceAll("'gateway.example:9090'", `'127.0.0.1:${gateway.grpcPort}', token: process.env['BERTH_TOKEN']`)
        .replace(/^ *token: process.*\n/m, '')
        .replaceAll('3000', String(service.port));
      const args = ['--input-type=module-typescript', '--disable-warning=ExperimentalWarning', '--eval', program];
      await using child = new Child(process.execPath, args, {
        cwd: ROOT,
        env: { ...process.env, BERTH_TOKEN: 'the-token' },
      });
      if (code.includes('node:test') || code.includes('catch (error)')) {
        expect(await child.exit).toBe(0);
        return;
      }
      if (code.includes("on('request'")) {
        // A request that comes before the listener is told to nobody.
        await eventually(async () => {
          await (await fetch(`http://127.0.0.1:${gateway.range.start}/from?a=b`)).text();
          return child.stdout.includes('GET /from?a=b 200');
        }, LONG_MS);
        child.kill('SIGINT');
        await child.printed(/^closed/m, LONG_MS);
        expect(await child.exit).toBe(0);
        return;
      }
      const [url = ''] = await child.printed(/http:\/\/\S+/, LONG_MS);
      expect(await (await fetch(url)).text()).toMatch(/^(the service|hello 127\.0\.0\.1\n)$/);
    },
    LONG_MS,
  );
});
