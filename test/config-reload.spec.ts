import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadGatewaySettings, startGateway } from 'berth-gateway';
import { eventually, freePortRange, localService, owning } from '@berth/testing';
import { gatewayProgram, testAgent } from '@berth/testing/system';

/** A gateway whose settings come from a file, which a test can write anew. */
async function fileGateway(first: object = {}, env: NodeJS.ProcessEnv = {}, argv: string[] = []) {
  await using stack = new AsyncDisposableStack();
  const cwd = mkdtempSync(join(tmpdir(), 'berth-reload-'));
  stack.defer(() => {
    rmSync(cwd, { recursive: true });
  });
  const range = await freePortRange(4);
  const file = join(cwd, 'application.yaml');
  const base = {
    http: { port: 0, agentPortRange: range },
    grpc: { host: '127.0.0.1', port: 0 },
    agentPorts: { host: '127.0.0.1' },
    shutdown: { timeoutMs: 2000 },
    log: { level: 'silent' },
  };
  // JSON is YAML.
  const write = (settings: object): void => {
    writeFileSync(file, JSON.stringify({ ...base, ...settings }));
  };
  write(first);
  const input = { cwd, env, argv };
  const loaded = loadGatewaySettings(input);
  if (loaded.kind !== 'settings') throw new Error(loaded.output);
  const gateway = await startGateway(loaded.settings, undefined, input);
  stack.defer(() => gateway.close());
  const admin = `http://127.0.0.1:${gateway.adminPort}`;
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${admin}/metrics`)).text();
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length + 1),
    );
  };
  const reload = async (headers: Record<string, string> = {}) => {
    const response = await fetch(`${admin}/config/reload`, { method: 'POST', headers });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return owning({ gateway, admin, cwd, file, write, reload, metric }, stack);
}

const post = (url: string, bytes: number): Promise<Response> =>
  fetch(url, { method: 'POST', body: Buffer.alloc(bytes) });

describe('settings that change while the gateway runs', () => {
  it('what can change does at once, at ports that are open, and what cannot is named', async () => {
    await using stack = new AsyncDisposableStack();
    const setup = stack.use(await fileGateway());
    const service = stack.use(
      await localService((request, response) => request.resume().on('end', () => response.end('ok'))),
    );
    const { url } = stack.use(await testAgent(setup.gateway, service.port));
    expect((await post(url, 100)).status).toBe(200);
    setup.write({ ingress: { maxBodyBytes: 10, maxPipelined: 9000 } });
    expect(await setup.reload()).toEqual({
      status: 200,
      body: { changed: ['ingress.maxBodyBytes'], restart_required: ['ingress.maxPipelined'] },
    });
    expect((await post(url, 100)).status).toBe(413);
    expect((await post(url, 10)).status).toBe(200);
    setup.write({ policies: { '*': { access: { readOnly: true } } } });
    expect((await setup.reload()).body['changed']).toEqual(['ingress.maxBodyBytes', 'policies']);
    expect((await post(url, 100)).status).toBe(405);
    setup.write({});
    await setup.reload();
    expect((await post(url, 100)).status).toBe(200);
    expect(await setup.metric('berth_config_reloads_total{result="changed"}')).toBe(3);
  });

  it('an access log is switched on, led elsewhere and switched off', async () => {
    await using stack = new AsyncDisposableStack();
    const setup = stack.use(await fileGateway());
    const service = stack.use(await localService((_, response) => response.end('ok')));
    const { url } = stack.use(await testAgent(setup.gateway, service.port));
    const ask = async (path: string, accessLog?: object): Promise<void> => {
      if (accessLog !== undefined) {
        setup.write({ accessLog });
        expect((await setup.reload()).status).toBe(200);
      }
      await (await fetch(`${url}${path}`)).text();
    };
    const paths = (file: string): string[] =>
      [...readFileSync(file, 'utf8').matchAll(/"target":"([^"]*)"/g)].map(([, path]) => path as string);
    const [first, second] = [join(setup.cwd, 'first.log'), join(setup.cwd, 'second.log')];
    await ask('/off');
    await ask('/first', { mode: 'all', file: first });
    await eventually(() => paths(first).length === 1);
    await ask('/second', { mode: 'all', file: second });
    await eventually(() => paths(second).length === 1);
    await ask('/nowhere', { mode: 'all', file: join(setup.cwd, 'none', 'a.log') });
    await eventually(() => paths(second).length === 2);
    await ask('/off', { mode: 'off', file: second });
    expect([paths(first), paths(second)]).toEqual([['/first'], ['/second', '/nowhere']]);
  });

  it('open exchanges go on', async () => {
    await using stack = new AsyncDisposableStack();
    const setup = stack.use(await fileGateway());
    let finish = (): void => undefined;
    const service = stack.use(
      await localService((_, response) => {
        response.write('begun ');
        finish = () => void response.end('and done');
      }),
    );
    const { url } = stack.use(await testAgent(setup.gateway, service.port));
    const response = await fetch(url);
    setup.write({
      ingress: { maxBodyBytes: 10, idleTimeoutMs: 9000, retry: { percent: 5 } },
      tunnel: { maxAgents: 1 },
    });
    expect((await setup.reload()).status).toBe(200);
    finish();
    expect(await response.text()).toBe('begun and done');
  });

  it('a file that is wrong changes nothing, and is told with its place', async () => {
    await using setup = await fileGateway({ ingress: { maxBodyBytes: 5 } });
    const bad: [string, RegExp][] = [
      ['ingress:\n  maxBodyBytes: 6\n  retryAfterSeconds: lots\n', /ingress\.retryAfterSeconds.*application\.yaml:3/s],
      ['ingress:\n  maxBodyBytes: 6\n bad: [\n', /application\.yaml:3:1: the indentation/],
      ['ingress: { maxBodyByte: 6 }\n', /maxBodyByte/],
      ['auth: { tokenFile: /nowhere/at/all }\n', /auth\.tokenFile.*ENOENT/s],
    ];
    for (const [text, place] of bad) {
      writeFileSync(setup.file, text);
      const { status, body } = await setup.reload();
      const { error } = body as { error: { code: string; message: string } };
      expect([status, error.code]).toEqual([422, 'BERTH_RELOAD_REFUSED']);
      expect(error.message).toMatch(place);
    }
    expect(setup.gateway.settings.ingress.maxBodyBytes).toBe(5);
    expect((await fetch(`${setup.admin}/health/ready`)).status).toBe(200);
    expect(await setup.metric('berth_config_reloads_total{result="refused"}')).toBeGreaterThanOrEqual(bad.length);
  });

  it('environment and flags still go over the file', async () => {
    await using setup = await fileGateway({}, { INGRESS_MAX_BODY_BYTES: '7' }, ['--ingress-idle-timeout-ms', '8000']);
    setup.write({ ingress: { maxBodyBytes: 70, idleTimeoutMs: 80, retryAfterSeconds: 3 } });
    expect((await setup.reload()).body).toEqual({ changed: ['ingress.retryAfterSeconds'], restart_required: [] });
    expect(setup.gateway.settings.ingress).toMatchObject({ maxBodyBytes: 7, idleTimeoutMs: 8000 });
  });

  it('the file is watched, written in place or renamed over', async () => {
    await using setup = await fileGateway();
    const { gateway, file, cwd } = setup;
    setup.write({ ingress: { retryAfterSeconds: 3 } });
    await eventually(() => gateway.settings.ingress.retryAfterSeconds === 3);
    const next = join(cwd, 'next.yaml');
    writeFileSync(next, 'ingress: { retryAfterSeconds: 4 }\nlog: { level: silent }\n');
    renameSync(next, file);
    await eventually(() => gateway.settings.ingress.retryAfterSeconds === 4);
  });

  it('tokens: a new one counts for agents and operators from now on', async () => {
    await using stack = new AsyncDisposableStack();
    const setup = stack.use(await fileGateway({ auth: { token: 'old-agents' }, admin: { token: 'old-admin' } }));
    const first = stack.use(await testAgent(setup.gateway, 1, { id: 'first', token: 'old-agents' }));
    expect(first.port).toBeGreaterThan(0);
    setup.write({ auth: { token: 'new-agents' }, admin: { token: 'new-admin' } });
    expect((await setup.reload()).status).toBe(401);
    expect((await setup.reload({ authorization: 'Bearer old-admin' })).body).toEqual({
      changed: ['admin.token', 'auth.token'],
      restart_required: [],
    });
    expect((await setup.reload({ authorization: 'Bearer old-admin' })).status).toBe(401);
    await expect(testAgent(setup.gateway, 1, { id: 'late', token: 'old-agents' })).rejects.toThrow();
    stack.use(await testAgent(setup.gateway, 1, { id: 'second', token: 'new-agents' }));
    const list = await fetch(`${setup.admin}/agents`, { headers: { authorization: 'Bearer new-admin' } });
    expect(((await list.json()) as { agents: unknown[] }).agents.length).toBe(2);
  });

  it('a hundred times in a row leaves nothing behind, and nothing changes once the gateway ends', async () => {
    await using setup = await fileGateway();
    const handles = (): number => process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length;
    await setup.reload();
    const before = handles();
    for (let i = 1; i <= 100; i += 1) {
      setup.write({ ingress: { retryAfterSeconds: i } });
      setup.gateway.reload();
      expect(setup.gateway.settings.ingress.retryAfterSeconds).toBe(i);
    }
    expect(handles()).toBeLessThanOrEqual(before + 2);
    await setup.gateway.close();
    setup.write({ ingress: { retryAfterSeconds: 500 } });
    setup.gateway.reload();
    expect(setup.gateway.settings.ingress.retryAfterSeconds).toBe(100);
  });

  it('SIGHUP looks the settings up again, where no terminal is there to close', async () => {
    await using gateway = await gatewayProgram(await freePortRange(2));
    gateway.program.kill('SIGHUP');
    await gateway.program.printed(/(settings were looked up again)/);
    expect((await fetch(`http://127.0.0.1:${gateway.adminPort}/health/ready`)).status).toBe(200);
    gateway.program.kill('SIGTERM');
    expect(await gateway.program.exit).toBe(0);
  });

  it('policy agents come, change and go, and ports can name none that there is not', async () => {
    const policies = { '*': { inspect: { agents: ['waf'] } } };
    await using setup = await fileGateway();
    const shown = async (): Promise<unknown> => {
      const { policy_agents: all } = (await (await fetch(`${setup.admin}/policy-agents`)).json()) as {
        policy_agents: { name: string; when_unavailable: string }[];
      };
      return all.map(({ name, when_unavailable }) => `${name} ${when_unavailable}`);
    };
    setup.write({ policies });
    const refused = await setup.reload();
    expect(refused.status).toBe(422);
    expect(JSON.stringify(refused.body)).toContain('\\"waf\\" is no policy agent; there are none (policyAgents)');
    const waf = { address: '/nowhere/waf.sock' };
    setup.write({ policies, policyAgents: { waf } });
    expect((await setup.reload()).body).toMatchObject({ restart_required: [] });
    expect(await shown()).toEqual(['waf closed']);
    setup.write({ policyAgents: { waf: { ...waf, whenUnavailable: 'open' }, auth: waf } });
    await setup.reload();
    expect(await shown()).toEqual(['auth closed', 'waf open']);
    setup.write({});
    await setup.reload();
    expect(await shown()).toEqual([]);
  });
});
