import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';
import { credentials, status } from '@grpc/grpc-js';
import { defaultAgentSettings } from 'berth-agent';
import { Child, disposable, eventually, listening, localService } from '@berth/testing';
import {
  agentIds,
  H2_PREFACE,
  H2Peer,
  type KeyPair,
  logLines,
  portsOf,
  Program,
  RawAgent,
  testAgent,
  TestCa,
  type TestGateway,
  testGateway,
} from '@berth/testing/system';
import { launchAgent } from 'berth-agent';
import { type HandshakeFailure, LifecycleEvents } from 'berth-gateway';

describe('TLS on the gRPC port', () => {
  const ca = new TestCa();
  const otherCa = new TestCa('another CA');
  const server = ca.issue('gateway', 'IP:127.0.0.1,DNS:gateway.test');
  afterAll(() => {
    ca.remove();
    otherCa.remove();
  });

  const start = async (clientCert: 'none' | 'request' | 'require', log = logLines()): Promise<TestGateway> =>
    await testGateway(
      { grpc: { tls: { enabled: true, ...server, caFile: clientCert === 'none' ? '' : ca.caFile, clientCert } } },
      4,
      log.log,
    );
  const rawAgent = (gateway: TestGateway, pair?: KeyPair, trusted = ca): RawAgent => {
    const read = (file: string | undefined): Buffer | null => (file === undefined ? null : readFileSync(file));
    const channel = credentials.createSsl(read(trusted.caFile), read(pair?.keyFile), read(pair?.certFile));
    return new RawAgent(gateway.grpcPort, channel);
  };

  it('A15: none: an agent that trusts the CA registers without a certificate', async () => {
    await using gateway = await start('none');
    await using stack = new AsyncDisposableStack();
    await stack.use(rawAgent(gateway)).hello('agent-1').welcome;
    expect(await agentIds(gateway)).toEqual(['agent-1']);
  });

  it('A15: none: a certificate is not asked for, so its name does not matter', async () => {
    await using gateway = await start('none');
    await using stack = new AsyncDisposableStack();
    await stack.use(rawAgent(gateway, ca.issue('somebody'))).hello('agent-1').welcome;
  });

  it('A15: an agent does not talk to a gateway whose CA it does not trust', async () => {
    await using gateway = await start('none');
    using agent = rawAgent(gateway, undefined, otherCa).hello('agent-1');
    expect((await agent.status).code).toBe(status.UNAVAILABLE);
    expect(await agentIds(gateway)).toEqual([]);
  });

  it('A15: an agent without TLS gets nowhere', async () => {
    await using gateway = await start('none');
    using agent = new RawAgent(gateway.grpcPort).hello('agent-1');
    expect((await agent.status).code).toBe(status.UNAVAILABLE);
  });

  it.each([
    ['the CN', () => ca.issue('agent-1')],
    ['a DNS name of the SAN', () => ca.issue('somebody', 'DNS:other,DNS:agent-1')],
    ['a URI of the SAN', () => ca.issue('somebody', 'URI:agent-1')],
  ])('A15: require: %s is the agent id', async (_, issue) => {
    await using gateway = await start('require');
    await using stack = new AsyncDisposableStack();
    await stack.use(rawAgent(gateway, issue())).hello('agent-1').welcome;
  });

  it.each(['request', 'require'] as const)(
    'A15: %s: a certificate for another name is refused, and nothing is leased',
    async (clientCert) => {
      await using gateway = await start(clientCert);
      using agent = rawAgent(gateway, ca.issue('agent-2', 'DNS:agent-3')).hello('agent-1');
      expect((await agent.status).code).toBe(status.PERMISSION_DENIED);
      expect(agent.refused).toMatchObject({ code: 'BERTH_CERTIFICATE_MISMATCH', retryable: false });
      expect((await portsOf(gateway)).used).toBe(0);
    },
  );

  it('A15: require: no certificate, no registration', async () => {
    await using gateway = await start('require');
    using agent = rawAgent(gateway).hello('agent-1');
    expect((await agent.status).code).toBe(status.UNAVAILABLE);
    expect((await portsOf(gateway)).used).toBe(0);
  });

  it('A15: request: one comes without a certificate, another with its own', async () => {
    await using gateway = await start('request');
    await using stack = new AsyncDisposableStack();
    await stack.use(rawAgent(gateway)).hello('agent-1').welcome;
    await stack.use(rawAgent(gateway, ca.issue('agent-2'))).hello('agent-2').welcome;
    expect(await agentIds(gateway)).toEqual(['agent-1', 'agent-2']);
  });

  it.each(['request', 'require'] as const)(
    "A15: %s: a certificate of a stranger's CA is refused",
    async (clientCert) => {
      const log = logLines();
      await using gateway = await start(clientCert, log);
      using agent = rawAgent(gateway, otherCa.issue('agent-1')).hello('agent-1');
      expect((await agent.status).code).toBe(status.UNAVAILABLE);
      expect((await portsOf(gateway)).used).toBe(0);
      if (clientCert === 'require') return;
      await eventually(() => log.at('warn').some(({ msg }) => msg.startsWith('client certificate not trusted')));
    },
  );

  it("A15: the agent's settings: CA, certificate, key, and a name to check for", async () => {
    await using service = await localService((_, response) => response.end('secret'));
    await using gateway = await start('require');
    const tls = { enabled: true, caFile: ca.caFile, ...ca.issue('agent-1'), serverName: 'gateway.test' };
    await using agent = await testAgent(gateway, service.port, { tls });
    expect(await (await fetch(agent.url)).text()).toBe('secret');
  });

  it.each([
    ['it was told', () => server, { serverName: 'elsewhere.test' }],
    ['of the host, which may be an address', () => ca.issue('gateway', 'IP:127.0.0.2,DNS:127.0.0.1,DNS:localhost'), {}],
    ['it was told, which may be an address', () => server, { serverName: '127.0.0.2' }],
  ])('A15: the agent insists on the name %s', async (_, pair, named) => {
    await using gateway = await testGateway({ grpc: { tls: { enabled: true, ...pair() } } });
    await using agent = disposable(
      launchAgent(
        defaultAgentSettings({
          id: 'agent-1',
          target: 'http://127.0.0.1:1',
          gateway: `127.0.0.1:${gateway.grpcPort}`,
          tls: { enabled: true, caFile: ca.caFile, ...named },
        }),
        { log: logLines().log },
      ),
      (it) => it.stop(),
    );
    const [{ reason }] = (await once(agent.client, 'lost')) as [{ reason: Error }];
    expect(reason.message).toContain('is for another name');
    expect(await agentIds(gateway)).toEqual([]);
  });

  it('A15: an address is dialled without a server name, and without a warning of Node', async () => {
    const names: unknown[] = [];
    const { certFile, keyFile } = server;
    const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile), ALPNProtocols: ['h2'] };
    const tls = createServer(pair, (socket) => {
      names.push(socket.servername);
      socket.destroy();
    });
    await using listener = await listening(tls);
    const args = ['1', '--id', 'a', '--gateway', `127.0.0.1:${listener.port}`, '--tls-ca', ca.caFile];
    await using agent = new Program('agent', args);
    await agent.printed(/"no_connection"/);
    expect(names[0]).toBe(false);
    expect(agent.output).not.toMatch(/warning/i);
  });

  it('with required certificates the gateway does not call itself open', async () => {
    const log = logLines();
    await using stack = new AsyncDisposableStack();
    stack.use(await start('require', log));
    expect(log.at('warn')).toEqual([]);
  });

  describe('A15: a failed handshake', () => {
    const failedAs = async (gateway: TestGateway, act: () => unknown): Promise<HandshakeFailure[]> => {
      const reasons: HandshakeFailure[] = [];
      gateway.app.get(LifecycleEvents).on('handshake.failed', ({ reason }) => void reasons.push(reason));
      act();
      await eventually(() => reasons.length > 0);
      return reasons;
    };

    it.each<[string, () => KeyPair | undefined, HandshakeFailure, RegExp]>([
      ['no certificate', () => undefined, 'certificate', /no client certificate was shown/],
      ["another CA's", () => otherCa.issue('agent-1'), 'certificate', /not signed by the CA in grpc.tls.caFile/],
      ['one that has expired', () => ca.issue('agent-1', undefined, -1), 'certificate', /out of date/],
    ])('%s: one line says why', async (_, issue, reason, text) => {
      const log = logLines();
      await using gateway = await start('require', log);
      await using stack = new AsyncDisposableStack();
      expect(await failedAs(gateway, () => stack.use(rawAgent(gateway, issue())).hello('agent-1'))).toEqual([reason]);
      expect(log.at('warn')).toEqual([expect.objectContaining({ msg: 'client certificate not trusted' })]);
      expect(log.at('warn')[0]?.['reason']).toMatch(text);
    });

    it("a peer that does not trust the gateway's certificate: one line says so", async () => {
      const log = logLines();
      await using gateway = await start('none', log);
      // Node's own clients say nothing and leave; others send an alert.
      const address = `127.0.0.1:${gateway.grpcPort}`;
      const args = ['s_client', '-connect', address, '-CAfile', otherCa.caFile, '-verify_return_error'];
      await using stack = new AsyncDisposableStack();
      const failure = failedAs(gateway, () => {
        stack.use(new Child('openssl', args, { stdio: 'ignore' }));
      });
      expect(await failure).toEqual(['tls']);
      expect(log.at('warn').at(-1)?.['reason']).toMatch(/does not trust the gateway's certificate/);
    });

    it.each([
      ['HTTP/2', H2_PREFACE],
      ['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ])('plain %s on the TLS port: a few lines, however many come', async (_, bytes) => {
      const log = logLines();
      await using gateway = await start('none', log);
      const peers = await Promise.all(Array.from({ length: 20 }, () => H2Peer.connect(gateway.grpcPort)));
      await using stack = new AsyncDisposableStack();
      for (const peer of peers) stack.use(peer);
      const reasons = await failedAs(gateway, () => {
        for (const peer of peers) peer.send(bytes);
      });
      await eventually(() => reasons.length === 20);
      expect(new Set(reasons)).toEqual(new Set(['plaintext']));
      const lines = log.lines.filter(({ msg }) => msg === 'TLS handshake failed: plain text');
      expect(lines).toHaveLength(5);
      expect(lines[0]?.['reason']).toContain('grpc.tls.enabled');
    });

    it('TLS on a port without it: one line says so', async () => {
      const log = logLines();
      await using gateway = await testGateway({}, 4, log.log);
      await using stack = new AsyncDisposableStack();
      expect(await failedAs(gateway, () => stack.use(rawAgent(gateway)).hello('agent-1'))).toEqual(['protocol']);
      expect(log.at('warn').at(-1)?.msg).toMatch(/grpc\.tls\.enabled/);
    });

    it('a peer that never finishes its handshake is closed in time', async () => {
      await using gateway = await testGateway({
        grpc: { tls: { enabled: true, ...server } },
        tunnel: { handshakeTimeoutMs: 100 },
      });
      using peer = await H2Peer.connect(gateway.grpcPort);
      // The head of a ClientHello that never comes.
      peer.send(Buffer.from([22, 3, 1, 2, 0]));
      await eventually(() => peer.closed);
    });
  });

  it('names the setting of a file that cannot be used', async () => {
    const tls = { enabled: true, ...server, keyFile: ca.issue('x').keyFile };
    await expect(testGateway({ grpc: { tls } })).rejects.toThrow(/grpc\.tls/);
    await expect(testGateway({ grpc: { tls: { ...tls, certFile: '/nowhere.crt' } } })).rejects.toThrow(
      /grpc\.tls\.certFile/,
    );
  });
});
