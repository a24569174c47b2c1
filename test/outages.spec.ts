import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net';
import { join } from 'node:path';
import { type AgentSettings, defaultAgentSettings } from 'berth-agent';
import { type DeepPartial } from '@berth/config';
import { silentLog } from '@berth/observability';
import { startAgent } from 'berth-agent';
import { grpcCredentials } from '../apps/gateway/src/tunnel/index.js';
import { Cleanup } from '@berth/testing';
import { testAgent, TestCa, testGateway } from '@berth/testing/system';

/** Words of grpc-js, Node and OpenSSL that nobody has to know. */
const NOT_OURS =
  /No connection established|Last error|SSL routines|error:0A|ECONN|RST_STREAM|Connection dropped|\.c:\d/;

describe('what people are told when the gateway is not there (issue 8, E32)', () => {
  const cleanup = new Cleanup();
  const ca = new TestCa();
  const otherCa = new TestCa('another CA');
  const server = ca.issue('gateway', 'IP:127.0.0.1,DNS:gateway.test');
  afterEach(() => cleanup.run());
  afterAll(() => {
    ca.remove();
    otherCa.remove();
  });

  type Tls = DeepPartial<AgentSettings['tls']>;

  /** The reason that an agent gives for its first attempt. */
  async function reasonFor(gateway: string | number, tls: Tls = {}): Promise<string> {
    const agent = startAgent(
      defaultAgentSettings({
        target: 'http://127.0.0.1:9',
        id: 'agent-1',
        gateway: typeof gateway === 'number' ? `127.0.0.1:${gateway}` : gateway,
        tls,
      }),
      { log: silentLog },
    );
    cleanup.add(agent, (it) => it.stop());
    const lost = once(agent.client, 'lost').then(([{ reason }]) => (reason as Error).message);
    const reason = await Promise.race([lost, agent.failed.then(({ message }) => message)]);
    expect(reason).not.toMatch(NOT_OURS);
    expect(reason.split('\n')).toHaveLength(1);
    return reason;
  }

  async function grpcPort(tls: 'none' | 'request' | 'require' | undefined, pair = server): Promise<number> {
    const settings =
      tls === undefined
        ? {}
        : { tls: { enabled: true, ...pair, caFile: tls === 'none' ? '' : ca.caFile, clientCert: tls } };
    return cleanup.add(await testGateway({ grpc: settings }), (it) => it.close()).grpcPort;
  }

  async function portOf(it: Server): Promise<number> {
    it.listen(0, '127.0.0.1');
    await once(it, 'listening');
    cleanup.add(it, (one) => void one.close());
    return (it.address() as AddressInfo).port;
  }

  it('nothing listens', async () => {
    const port = await portOf(createTcp());
    await cleanup.run();
    expect(await reasonFor(port)).toBe(
      `nothing listens at 127.0.0.1:${port}: is the gateway running, and is --gateway its gRPC port?`,
    );
  });

  it('the name is not found', async () => {
    expect(await reasonFor('berth.invalid:9090')).toContain('the name in berth.invalid:9090 was not found');
  });

  it('the certificate is of a CA that is not trusted', async () => {
    const port = await grpcPort('none');
    for (const tls of [{ enabled: true }, { enabled: true, caFile: otherCa.caFile }])
      expect(await reasonFor(port, tls)).toBe(
        `the certificate of 127.0.0.1:${port} is not trusted: give the CA that issued it with --tls-ca`,
      );
  });

  it('the certificate is for another name', async () => {
    const port = await grpcPort('none');
    const tls = { enabled: true, caFile: ca.caFile, serverName: 'other.test' };
    expect(await reasonFor(port, tls)).toContain('is for another name');
    expect(await reasonFor(port, tls)).toContain('tls.serverName');
  });

  it('TLS to a port that speaks none, gateway or not', async () => {
    const tls = { enabled: true, caFile: ca.caFile };
    for (const port of [await grpcPort(undefined), await portOf(createHttp())])
      expect(await reasonFor(port, tls)).toContain(`what listens at 127.0.0.1:${port} speaks no TLS`);
  });

  it('no TLS to a port that speaks it', async () => {
    const port = await grpcPort('none');
    expect(await reasonFor(port)).toContain('if it speaks TLS, switch that on (--tls, --tls-ca)');
  });

  it('no client certificate where one is asked for, and one of another CA', async () => {
    const port = await grpcPort('require');
    const tls = { enabled: true, caFile: ca.caFile };
    expect(await reasonFor(port, tls)).toMatch(/asks for a client certificate|is it the gRPC port/);
    const pair = otherCa.issue('agent-1');
    expect(await reasonFor(port, { ...tls, ...pair })).toContain(pair.certFile);
  });

  it('something that is no gateway', async () => {
    expect(await reasonFor(await portOf(createHttp((_, response) => response.end())))).toContain(
      'is not the gRPC port of a gateway',
    );
    const http2 = createHttp2((_, response) => {
      response.writeHead(502).end();
    });
    expect(await reasonFor(await portOf(http2))).toContain('answered with HTTP status 502');
    const closing = createTcp((socket) => socket.destroy());
    expect(await reasonFor(await portOf(closing))).toContain('closed the connection before anything was said');
  });

  it.each([true, false])('a gateway that ends in order says so; requests under way: %s', async (busy) => {
    const gateway = await testGateway({ shutdown: { timeoutMs: 700 } });
    const stalled = createHttp(() => undefined);
    const agent = cleanup.add(await testAgent(gateway, await portOf(stalled)), async (it) => {
      stalled.closeAllConnections();
      await it.stop();
    });
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
    const wrongs: [Partial<AgentSettings['tls']>, string, string, string][] = [
      [{ caFile: junk }, '--tls-ca', 'grpc.tls.caFile', `: ${junk} is no certificate in PEM form`],
      [{ certFile: junk }, '--tls-cert', 'grpc.tls.certFile', `: ${junk} is no certificate in PEM form`],
      [
        { keyFile: junk },
        '--tls-key',
        'grpc.tls.keyFile',
        `: ${junk} is no private key in PEM form without a passphrase`,
      ],
      [
        { keyFile: other.keyFile },
        '--tls-key',
        'grpc.tls.keyFile',
        `: ${other.keyFile} is not the key of the certificate ${server.certFile}`,
      ],
      [{ certFile: '/nowhere' }, '--tls-cert', 'grpc.tls.certFile', ': cannot read /nowhere: '],
    ];
    for (const [files, flag, setting, message] of wrongs) {
      const tls = { enabled: true, caFile: ca.caFile, ...server, ...files };
      const settings = defaultAgentSettings({ target: 'http://127.0.0.1:9', id: 'agent-1', tls });
      expect(() => startAgent(settings, { log: silentLog })).toThrow(`${flag}${message}`);
      expect(() => grpcCredentials({ ...tls, clientCert: 'none' })).toThrow(`${setting}${message}`);
    }
  });
});
