import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { credentials, status } from '@grpc/grpc-js';
import { defaultAgentSettings } from '#config';
import { eventually } from '#testing';
import { startAgent } from '../apps/agent/src/index.js';
import { agentIds, portsOf } from './support/admin.js';
import { type KeyPair, TestCa } from './support/certificates.js';
import { Cleanup, localService, testAgent, type TestGateway, testGateway } from './support/harness.js';
import { logLines } from './support/log-lines.js';
import { RawAgent } from './support/raw-agent.js';

describe('TLS on the gRPC port', () => {
  const cleanup = new Cleanup();
  const ca = new TestCa();
  const otherCa = new TestCa('another CA');
  const server = ca.issue('gateway', 'IP:127.0.0.1,DNS:gateway.test');
  afterEach(() => cleanup.run());
  afterAll(() => {
    ca.remove();
    otherCa.remove();
  });

  const start = async (clientCert: 'none' | 'request' | 'require', log = logLines()): Promise<TestGateway> =>
    cleanup.add(
      await testGateway(
        { grpc: { tls: { enabled: true, ...server, caFile: clientCert === 'none' ? '' : ca.caFile, clientCert } } },
        4,
        log.log,
      ),
      (it) => it.close(),
    );
  const rawAgent = (gateway: TestGateway, pair?: KeyPair, trusted = ca): RawAgent => {
    const read = (file: string | undefined): Buffer | null => (file === undefined ? null : readFileSync(file));
    const channel = credentials.createSsl(read(trusted.caFile), read(pair?.keyFile), read(pair?.certFile));
    return cleanup.add(new RawAgent(gateway.grpcPort, channel), (it) => it.close());
  };

  it('A15: none: an agent that trusts the CA registers without a certificate', async () => {
    const gateway = await start('none');
    await rawAgent(gateway).hello('agent-1').welcome;
    expect(await agentIds(gateway)).toEqual(['agent-1']);
  });

  it('A15: none: a certificate is not asked for, so its name does not matter', async () => {
    const gateway = await start('none');
    await rawAgent(gateway, ca.issue('somebody')).hello('agent-1').welcome;
  });

  it('A15: an agent does not talk to a gateway whose CA it does not trust', async () => {
    const gateway = await start('none');
    const agent = rawAgent(gateway, undefined, otherCa).hello('agent-1');
    expect((await agent.status).code).toBe(status.UNAVAILABLE);
    expect(await agentIds(gateway)).toEqual([]);
  });

  it('A15: an agent without TLS gets nowhere', async () => {
    const gateway = await start('none');
    const agent = cleanup.add(new RawAgent(gateway.grpcPort), (it) => it.close()).hello('agent-1');
    expect((await agent.status).code).toBe(status.UNAVAILABLE);
  });

  it.each([
    ['the CN', () => ca.issue('agent-1')],
    ['a DNS name of the SAN', () => ca.issue('somebody', 'DNS:other,DNS:agent-1')],
    ['a URI of the SAN', () => ca.issue('somebody', 'URI:agent-1')],
  ])('A15: require: %s is the agent id', async (_, issue) => {
    const gateway = await start('require');
    await rawAgent(gateway, issue()).hello('agent-1').welcome;
  });

  it.each(['request', 'require'] as const)(
    'A15: %s: a certificate for another name is refused, and nothing is leased',
    async (clientCert) => {
      const gateway = await start(clientCert);
      const agent = rawAgent(gateway, ca.issue('agent-2', 'DNS:agent-3')).hello('agent-1');
      expect((await agent.status).code).toBe(status.PERMISSION_DENIED);
      expect(agent.refused).toMatchObject({ code: 'BERTH_CERTIFICATE_MISMATCH', retryable: false });
      expect((await portsOf(gateway)).used).toBe(0);
    },
  );

  it('A15: require: no certificate, no registration', async () => {
    const gateway = await start('require');
    const agent = rawAgent(gateway).hello('agent-1');
    expect((await agent.status).code).toBe(status.UNAVAILABLE);
    expect((await portsOf(gateway)).used).toBe(0);
  });

  it('A15: request: one comes without a certificate, another with its own', async () => {
    const gateway = await start('request');
    await rawAgent(gateway).hello('agent-1').welcome;
    await rawAgent(gateway, ca.issue('agent-2')).hello('agent-2').welcome;
    expect(await agentIds(gateway)).toEqual(['agent-1', 'agent-2']);
  });

  it.each(['request', 'require'] as const)(
    "A15: %s: a certificate of a stranger's CA is refused",
    async (clientCert) => {
      const log = logLines();
      const gateway = await start(clientCert, log);
      const agent = rawAgent(gateway, otherCa.issue('agent-1')).hello('agent-1');
      expect((await agent.status).code).toBe(status.UNAVAILABLE);
      expect((await portsOf(gateway)).used).toBe(0);
      if (clientCert === 'require') return;
      await eventually(() => log.at('warn').some(({ msg }) => msg.startsWith('client certificate not trusted')));
    },
  );

  it("A15: the agent's settings: CA, certificate, key, and a name to check for", async () => {
    const service = cleanup.add(await localService((_, response) => response.end('secret')), (it) => it.close());
    const gateway = await start('require');
    const tls = { enabled: true, caFile: ca.caFile, ...ca.issue('agent-1'), serverName: 'gateway.test' };
    const agent = cleanup.add(await testAgent(gateway, service.port, { tls }), (it) => it.stop());
    expect(await (await fetch(agent.url)).text()).toBe('secret');
  });

  it('A15: the agent insists on the name it was told', async () => {
    const gateway = await start('none');
    const agent = cleanup.add(
      startAgent(
        defaultAgentSettings({
          id: 'agent-1',
          target: 'http://127.0.0.1:1',
          gateway: `127.0.0.1:${gateway.grpcPort}`,
          tls: { enabled: true, caFile: ca.caFile, serverName: 'elsewhere.test' },
        }),
        { log: logLines().log },
      ),
      (it) => it.stop(),
    );
    await once(agent.client, 'lost');
    expect(await agentIds(gateway)).toEqual([]);
  });

  it('with required certificates the gateway does not call itself open', async () => {
    const log = logLines();
    await start('require', log);
    expect(log.at('warn')).toEqual([]);
  });

  it('names the setting of a file that cannot be used', async () => {
    const tls = { enabled: true, ...server, keyFile: ca.issue('x').keyFile };
    await expect(testGateway({ grpc: { tls } })).rejects.toThrow(/grpc\.tls/);
    await expect(testGateway({ grpc: { tls: { ...tls, certFile: '/nowhere.crt' } } })).rejects.toThrow(
      /grpc\.tls\.certFile/,
    );
  });
});
