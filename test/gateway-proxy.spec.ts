import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { defaultAgentSettings, type AgentSettings, type RunningAgent } from 'berth-agent';
import { type DeepPartial } from '@berth/config';
import { silentLog } from '@berth/observability';
import { disposable, freePortRange, localService, type Listening, listening } from '@berth/testing';
import { TestCa, testGateway } from '@berth/testing/system';
import { launchAgent } from 'berth-agent';

describe('a proxy on the way to the gateway', () => {
  /**
   * A proxy that opens tunnels to this machine, whatever name is asked for.
   *
   * @param refusal status to answer instead; 0: none at all
   */
  async function httpProxy(refusal?: number): Promise<Listening & { asked: IncomingMessage[] }> {
    const asked: IncomingMessage[] = [];
    const server = createServer();
    server.on('connect', (request: IncomingMessage, client: Socket) => {
      asked.push(request);
      client.on('error', () => undefined);
      if (refusal === 0) {
        client.resume().on('end', () => client.destroy());
        return;
      }
      if (refusal !== undefined) {
        client.end(`HTTP/1.1 ${refusal} No\r\nContent-Length: 0\r\n\r\n`);
        return;
      }
      const far = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        far.pipe(client).pipe(far);
      });
      far.on('error', () => client.destroy());
      client.on('close', () => far.destroy());
    });
    const proxy = await listening(server);
    return Object.assign(proxy, { asked });
  }

  type Overrides = Omit<DeepPartial<AgentSettings>, 'target' | 'id'> & { target?: string };
  function dialling(overrides: Overrides): RunningAgent & AsyncDisposable {
    const settings = defaultAgentSettings({
      target: 'http://127.0.0.1:1',
      id: 'a',
      reconnect: { minMs: 1000, maxMs: 1000 },
      shutdown: { timeoutMs: 50 },
      ...overrides,
    });
    return disposable(launchAgent(settings, { log: silentLog }), (it) => it.stop());
  }

  /** Why the first attempt failed. */
  async function complaint(overrides: Overrides): Promise<string> {
    await using agent = dialling(overrides);
    const [{ reason }] = (await once(agent.client, 'lost')) as [{ reason: Error }];
    return reason.message;
  }

  it('the proxy is asked for the name of the gateway, with user and password, and exchanges run', async () => {
    await using proxy = await httpProxy();
    await using gateway = await testGateway();
    await using service = await localService((_request, response) => response.end('hello'));
    await using agent = dialling({
      target: `http://127.0.0.1:${service.port}`,
      gateway: `gateway.test:${gateway.grpcPort}`,
      proxy: `http://me:p%40ss@127.0.0.1:${proxy.port}`,
    });
    const { port } = await agent.ready;
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('hello');
    const [{ url, headers }] = proxy.asked as [IncomingMessage];
    expect([url, headers.host]).toEqual([`gateway.test:${gateway.grpcPort}`, `gateway.test:${gateway.grpcPort}`]);
    expect(headers['proxy-authorization']).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
  });

  it('TLS goes on inside the tunnel, and the name is checked', async () => {
    using ca = new TestCa();
    await using proxy = await httpProxy();
    const tls = { enabled: true, ...ca.issue('gateway.test', 'DNS:gateway.test') };
    await using gateway = await testGateway({ grpc: { tls } });
    const settings = { proxy: `http://127.0.0.1:${proxy.port}`, tls: { caFile: ca.caFile } };
    await using stack = new AsyncDisposableStack();
    await stack.use(dialling({ ...settings, gateway: `gateway.test:${gateway.grpcPort}` })).ready;
    expect(await complaint({ ...settings, gateway: `other.test:${gateway.grpcPort}` })).toMatch(/name/);
  });

  it.each([
    [407, 'wants a user and a password (http://user:password@host:port) for gateway.test:9 (status 407)'],
    [403, 'lets nobody through to gateway.test:9 (status 403)'],
    [502, 'cannot reach gateway.test:9 (status 502)'],
    [418, 'opens no tunnel to gateway.test:9 (status 418)'],
  ])('a proxy that says %i is named, and its password is not', async (status, why) => {
    await using setup = await httpProxy(status);
    const { port } = setup;
    const message = await complaint({ gateway: 'gateway.test:9', proxy: `http://me:s3cret@127.0.0.1:${port}` });
    expect(message).toBe(`the proxy http://127.0.0.1:${port} ${why}`);
  });

  it('a dead proxy is named', async () => {
    const { start: port } = await freePortRange(1);
    expect(await complaint({ gateway: 'gateway.test:9', proxy: `http://127.0.0.1:${port}` })).toBe(
      `the proxy http://127.0.0.1:${port} refuses connections (proxy, or HTTPS_PROXY or HTTP_PROXY in the environment)`,
    );
  });

  it('a proxy that does not answer is named, and its connection does not stay', async () => {
    await using setup = await httpProxy(0);
    const { port, asked } = setup;
    const message = await complaint({
      gateway: 'gateway.test:9',
      proxy: `http://127.0.0.1:${port}`,
      tunnel: { handshakeTimeoutMs: 200 },
    });
    expect(message).toContain(`the proxy http://127.0.0.1:${port} did not answer`);
    const { socket } = asked[0] as IncomingMessage;
    if (!socket.closed) await once(socket, 'close');
  });

  it('the environment is for the settings alone to read', async () => {
    const { start: port } = await freePortRange(1);
    const before = process.env['https_proxy'];
    using environment = new DisposableStack();
    environment.defer(() => {
      if (before === undefined) delete process.env['https_proxy'];
      else process.env['https_proxy'] = before;
    });
    process.env['https_proxy'] = `http://127.0.0.1:${port}`;
    await using gateway = await testGateway();
    await using stack = new AsyncDisposableStack();
    await stack.use(dialling({ gateway: `127.0.0.1:${gateway.grpcPort}` })).ready;
  });
});
