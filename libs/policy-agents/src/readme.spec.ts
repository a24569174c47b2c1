import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposable } from '@berth/testing';
import { judge } from '../testing/example.js';
import { ServedAgent } from '../testing/served-agent.js';
import { type AskedEvent, type Decision, serveGrpc, serveUnix } from './index.js';

const folder = mkdtempSync(join(tmpdir(), 'berth-policy-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const root = join(import.meta.dirname, '..');

function rule(event: AskedEvent): { decision: Decision } | undefined {
  if (event.kind !== 'requestHeaders' || !event.uri.startsWith('/admin')) return undefined;
  return { decision: { kind: 'block', status: 403, headers: [] } };
}

const agent = (): ServedAgent => new ServedAgent((event) => rule(event) ?? {});

describe("the README's example", () => {
  it('is the file that is compiled and run here', () => {
    const example = readFileSync(join(root, 'testing/example.ts'), 'utf8');
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(example);
  });

  it('judges a request by an agent behind a unix socket', async () => {
    const path = join(folder, 'waf.sock');
    await using _server = disposable(await serveUnix({ path, host: agent() }), (server) => server.close());
    expect([await judge(`unix:${path}`, 'GET', '/'), await judge(path, 'GET', '/admin/x')]).toEqual(['allow', 'block']);
  });

  it('judges a request by an agent behind gRPC, and says when there is none', async () => {
    const server = await serveGrpc({ address: '127.0.0.1:0', host: agent() });
    expect(await judge(server.address, 'GET', '/admin')).toBe('block');
    await server.close();
    await expect(judge(server.address, 'GET', '/admin')).rejects.toThrow(
      'Failed to create any connections to agent waf',
    );
  });
});
