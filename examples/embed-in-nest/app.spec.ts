import { silentLog } from '@berth/observability';
import { owning, freePortRange, localService } from '@berth/testing';
import { testAgent } from '@berth/testing/system';
import { startKiosks } from './app.js';

describe('example: a gateway in your own Nest application', () => {
  async function start(admin?: false, token = ''): Promise<{ url: string; grpcPort: number } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    const settings = {
      admin: { token },
      http: { agentPortRange: await freePortRange(2) },
      grpc: { host: '127.0.0.1', port: 0 },
      agentPorts: { host: '127.0.0.1' },
    };
    const options = { settings, log: silentLog, ...(admin === undefined ? {} : { admin }) };
    const { app, grpcPort } = await startKiosks(options, 0);
    stack.adopt(app, (it) => it.close());
    return owning({ url: await app.getUrl(), grpcPort }, stack);
  }

  it('relays to agents, and answers its own controllers and the admin API under a path', async () => {
    await using service = await localService((_, response) => response.end('a kiosk'));
    await using setup = await start();
    const { url, grpcPort } = setup;
    const settings = { id: 'kiosk-7', metadata: { name: 'Main hall' } };
    await using agent = await testAgent({ grpcPort }, service.port, settings);
    expect(await (await fetch(agent.url)).text()).toBe('a kiosk');
    expect(await (await fetch(`${url}/kiosks`)).json()).toEqual([
      { name: 'Main hall', address: `http://kiosks.example.org:${agent.port}/` },
    ]);
    expect(await (await fetch(`${url}/berth/agents`)).json()).toMatchObject({ count: 1 });
    expect((await fetch(`${url}/agents`)).status).toBe(404);
  });

  it("describes the gateway's API, and nothing of the application's, with Swagger under its path", async () => {
    await using setup = await start();
    const { url } = setup;
    const page = await fetch(`${url}/berth/docs`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const { paths } = (await (await fetch(`${url}/berth/docs/openapi.json`)).json()) as { paths: object };
    expect(Object.keys(paths)).toContain('/berth/agents');
    expect(Object.keys(paths).filter((path) => !path.startsWith('/berth/'))).toEqual([]);
    expect((await fetch(`${url}/berth/docs/swagger-ui-bundle.js`)).status).toBe(200);
    expect((await fetch(`${url}/docs`)).status).toBe(404);
  });

  it('leaves the errors of the application to the application', async () => {
    await using setup = await start();
    const { url } = setup;
    expect(await (await fetch(`${url}/nothing`)).json()).toMatchObject({ statusCode: 404 });
    const ofBerth = await fetch(`${url}/berth/agents/nobody`);
    expect(await ofBerth.json()).toMatchObject({ error: { code: 'BERTH_NOT_FOUND' } });
  });

  it("asks for the admin API's token under its path, and for none at the application's own", async () => {
    await using setup = await start(undefined, 'sesame');
    const { url } = setup;
    const status = async (path: string, headers = {}): Promise<number> => (await fetch(url + path, { headers })).status;
    expect([await status('/berth/agents'), await status('/berth/metrics')]).toEqual([401, 401]);
    expect([await status('/berth/health'), await status('/kiosks')]).toEqual([200, 200]);
    expect(await status('/berth/agents', { authorization: 'Bearer sesame' })).toBe(200);
    expect((await fetch(`${url}/kiosks`)).headers.has('content-security-policy')).toBe(false);
    expect((await fetch(`${url}/berth/health`)).headers.get('cache-control')).toBe('no-store');
  });

  it('has no admin API when it is not wanted', async () => {
    await using setup = await start(false);
    const { url } = setup;
    for (const path of ['/agents', '/berth/agents', '/metrics']) expect((await fetch(url + path)).status).toBe(404);
    expect(await (await fetch(`${url}/kiosks`)).json()).toEqual([]);
  });
});
