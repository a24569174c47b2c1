import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { createServer as createTcp } from 'node:net';
import { join } from 'node:path';
import { type AgentSettings, defaultAgentSettings } from 'berth-agent';
import { type DeepPartial } from '@berth/config';
import { silentLog } from '@berth/observability';
import { launchAgent } from 'berth-agent';
import { grpcCredentials } from '../apps/gateway/src/tunnel/index.js';
import { disposable, listening } from '@berth/testing';
import { testAgent, TestCa, type TestGateway, testGateway } from '@berth/testing/system';

/** Words of grpc-js, Node and OpenSSL that nobody has to know. */
const NOT_OURS =
  /No connection established|Last error|SSL routines|error:0A|ECONN|RST_STREAM|Connection dropped|\.c:\d/;

describe('what people are told when the gateway is not there', () => {
  const ca = new TestCa();
  const otherCa = new TestCa('another CA');
  const server = ca.issue('gateway', 'IP:127.0.0.1,DNS:gateway.test');
  afterAll(() => {
    ca.remove();
    otherCa.remove();
  });

  type Tls = DeepPartial<AgentSettings['tls']>;

  /** The reason that an agent gives for its first attempt. */
  async function reasonFor(gateway: string | number, tls: Tls = {}): Promise<string> {
    await using agent = disposable(
      launchAgent(
        defaultAgentSettings({
          target: 'http://127.0.0.1:9',
          id: 'agent-1',
          gateway: typeof gateway === 'number' ? `127.0.0.1:${gateway}` : gateway,
          tls,
        }),
        { log: silentLog },
      ),
      (it) => it.stop(),
    );
    const lost = once(agent.client, 'lost').then(([{ reason }]) => (reason as Error).message);
    const reason = await Promise.race([lost, agent.gaveUp.then(({ message }) => message)]);
    expect(reason).not.toMatch(NOT_OURS);
    expect(reason.split('\n')).toHaveLength(1);
    return reason;
  }

  function start(tls: 'none' | 'request' | 'require' | undefined, pair = server): Promise<TestGateway> {
    const settings =
      tls === undefined
        ? {}
        : { tls: { enabled: true, ...pair, caFile: tls === 'none' ? '' : ca.caFile, clientCert: tls } };
    return testGateway({ grpc: settings });
  }

  it('nothing listens', async () => {
    const { port, close } = await listening(createTcp());
    await close();
    expect(await reasonFor(port)).toBe(
      `nothing listens at 127.0.0.1:${port}: is the gateway running, and is gateway its gRPC port?`,
    );
  });

  it('the name is not found', async () => {
    expect(await reasonFor('berth.invalid:9090')).toContain('the name in berth.invalid:9090 was not found');
  });

  it('the certificate is of a CA that is not trusted', async () => {
    await using setup = await start('none');
    const { grpcPort: port } = setup;
    for (const tls of [{ enabled: true }, { enabled: true, caFile: otherCa.caFile }])
      expect(await reasonFor(port, tls)).toBe(
        `the certificate of 127.0.0.1:${port} is not trusted: give the CA that issued it with tls.caFile`,
      );
  });

  it('the certificate is for another name', async () => {
    await using setup = await start('none');
    const { grpcPort: port } = setup;
    const tls = { enabled: true, caFile: ca.caFile, serverName: 'other.test' };
    expect(await reasonFor(port, tls)).toContain('is for another name');
    expect(await reasonFor(port, tls)).toContain('tls.serverName');
  });

  it('TLS to a port that speaks none, gateway or not', async () => {
    const tls = { enabled: true, caFile: ca.caFile };
    await using stack = new AsyncDisposableStack();
    for (const port of [stack.use(await start(undefined)).grpcPort, stack.use(await listening(createHttp())).port])
      expect(await reasonFor(port, tls)).toContain(`what listens at 127.0.0.1:${port} speaks no TLS`);
  });

  it('no TLS to a port that speaks it', async () => {
    await using setup = await start('none');
    const { grpcPort: port } = setup;
    expect(await reasonFor(port)).toContain('if it speaks TLS, switch that on (tls.enabled, tls.caFile)');
  });

  it('no client certificate where one is asked for, and one of another CA', async () => {
    await using setup = await start('require');
    const { grpcPort: port } = setup;
    const tls = { enabled: true, caFile: ca.caFile };
    expect(await reasonFor(port, tls)).toMatch(/asks for a client certificate|is it the gRPC port/);
    const pair = otherCa.issue('agent-1');
    expect(await reasonFor(port, { ...tls, ...pair })).toContain(pair.certFile);
  });

  it('something that is no gateway', async () => {
    await using stack = new AsyncDisposableStack();
    expect(await reasonFor(stack.use(await listening(createHttp((_, response) => response.end()))).port)).toContain(
      'is not the gRPC port of a gateway',
    );
    const http2 = createHttp2((_, response) => {
      response.writeHead(502).end();
    });
    expect(await reasonFor(stack.use(await listening(http2)).port)).toContain('answered with HTTP status 502');
    const closing = createTcp((socket) => socket.destroy());
    expect(await reasonFor(stack.use(await listening(closing)).port)).toContain(
      'closed the connection before anything was said',
    );
  });

  it.each([true, false])('a gateway that ends in order says so; requests under way: %s', async (busy) => {
    const gateway = await testGateway({ shutdown: { timeoutMs: 700 } });
    const stalled = createHttp(() => undefined);
    await using setup = await listening(stalled);
    const { port } = setup;
    await using agent = await testAgent(gateway, port);
    await using _calls = disposable(stalled, (it) => it.closeAllConnections());
    const asked = busy ? fetch(agent.url).catch(() => undefined) : undefined;
    if (busy) await once(stalled, 'request');
    const lost = once(agent.client, 'lost');
    await gateway.close();
    const [{ reason }] = (await lost) as [{ reason: Error }];
    expect(reason.message).toBe(`the gateway at 127.0.0.1:${gateway.grpcPort} is shutting down`);
    await asked;
  });

  it('files that are no certificate or key, or do not belong together, are named at both ends', () => {
    const junk = join(ca.folder, 'junk.pem');
    writeFileSync(junk, 'nothing');
    const other = ca.issue('other');
    const wrongs: [files: Partial<AgentSettings['tls']>, own: string, gateways: string, message: string][] = [
      [{ caFile: junk }, 'tls.caFile', 'grpc.tls.caFile', `: ${junk} is no certificate in PEM form`],
      [{ certFile: junk }, 'tls.certFile', 'grpc.tls.certFile', `: ${junk} is no certificate in PEM form`],
      [
        { keyFile: junk },
        'tls.keyFile',
        'grpc.tls.keyFile',
        `: ${junk} is no private key in PEM form without a passphrase`,
      ],
      [
        { keyFile: other.keyFile },
        'tls.keyFile',
        'grpc.tls.keyFile',
        `: ${other.keyFile} is not the key of the certificate ${server.certFile}`,
      ],
      [{ certFile: '/nowhere' }, 'tls.certFile', 'grpc.tls.certFile', ': cannot read /nowhere: '],
    ];
    for (const [files, own, gateways, message] of wrongs) {
      const tls = { enabled: true, caFile: ca.caFile, ...server, ...files };
      const settings = defaultAgentSettings({ target: 'http://127.0.0.1:9', id: 'agent-1', tls });
      expect(() => launchAgent(settings, { log: silentLog })).toThrow(`${own}${message}`);
      expect(() => grpcCredentials({ ...tls, clientCert: 'none' })).toThrow(`${gateways}${message}`);
    }
  });
});
