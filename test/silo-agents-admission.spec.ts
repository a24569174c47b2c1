import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { credentials, status as Grpc } from '@grpc/grpc-js';
import { disposable, eventually, listening, owning } from '@berth/testing';
import {
  siloEcho,
  siloGateway,
  siloRegistered,
  listAgents,
  logLines,
  send,
  SiloAgent,
  TestCa,
  type TestGateway,
  testGateway,
} from '@berth/testing/system';

describe('who may be an agent of the original kind', () => {
  it('nobody, as long as tunnel.silo.enabled is not set', async () => {
    const { log, lines } = logLines();
    await using gateway = await testGateway({}, 4, log);
    using agent = new SiloAgent(gateway.grpcPort).hello('agent-1');
    expect(await agent.status).toMatchObject({ code: Grpc.FAILED_PRECONDITION });
    await eventually(() => lines.some(({ reason }) => String(reason).includes('tunnel.silo.enabled')));
  });

  it('nobody without a certificate where a token is asked for, unless tunnel.silo.insecure is set', async () => {
    await using stack = new AsyncDisposableStack();
    for (const insecure of [false, true]) {
      const gateway = stack.use(
        await testGateway({ auth: { token: 'secret' }, tunnel: { silo: { enabled: true, insecure } } }),
      );
      const agent = stack.use(new SiloAgent(gateway.grpcPort).hello('agent-1'));
      if (insecure) await eventually(() => agent.pongs.length === 1);
      else expect(await agent.status).toMatchObject({ code: Grpc.UNAUTHENTICATED });
    }
  });
});

describe('agents of the original kind with client certificates', () => {
  const ca = new TestCa();
  afterAll(() => {
    ca.remove();
  });

  it.each(['request', 'require'] as const)(
    'A15, A20: %s: who has one for its id is let in, token or not',
    async (clientCert) => {
      const tls = { enabled: true, ...ca.issue('gateway', 'IP:127.0.0.1'), caFile: ca.caFile, clientCert };
      await using gateway = await testGateway({
        grpc: { tls },
        auth: { token: 'secret' },
        tunnel: { silo: { enabled: true } },
      });
      const { keyFile, certFile } = ca.issue('agent-1');
      const [root, key, certificate] = [ca.caFile, keyFile, certFile].map((file) => readFileSync(file));
      const channel = credentials.createSsl(root, key, certificate);
      await using stack = new AsyncDisposableStack();
      stack.adopt(await SiloAgent.registered(gateway.grpcPort, 'agent-1', channel), (it) => it.close());
      using other = new SiloAgent(gateway.grpcPort, channel).hello('agent-2');
      expect((await other.status).code).toBe(Grpc.PERMISSION_DENIED);
      await using none = disposable(
        new SiloAgent(gateway.grpcPort, credentials.createSsl(root)).hello('agent-3'),
        (it) => it.close(),
      );
      const { code } = await none.status;
      expect(code).toBe(clientCert === 'require' ? Grpc.UNAVAILABLE : Grpc.UNAUTHENTICATED);
    },
  );
});

describe('agents of the original kind', () => {
  describe('whose network is gone', () => {
    /** A way to the gateway that can stop: nothing comes through from then on, and nothing ends. */
    const wayTo = async (gateway: TestGateway): Promise<{ port: number; stop: () => void } & AsyncDisposable> => {
      await using stack = new AsyncDisposableStack();
      const sockets: Socket[] = [];
      const server = createServer((socket) => {
        const onward = connect(gateway.grpcPort, '127.0.0.1');
        sockets.push(socket, onward);
        for (const it of [socket, onward]) it.on('error', () => undefined);
        socket.pipe(onward).pipe(socket);
      });
      const { port } = stack.use(await listening(server));
      stack.defer(() => {
        for (const socket of sockets) socket.destroy();
      });
      const stop = (): void => {
        for (const socket of sockets) socket.unpipe();
      };
      return owning({ port, stop }, stack);
    };

    it('A12: is dropped by an HTTP/2 PING', async () => {
      await using gateway = await siloGateway({}, { pingIntervalMs: 50, pingTimeoutMs: 100 });
      await using way = await wayTo(gateway);
      using agent = await SiloAgent.registered(way.port);
      const pending = send(gateway.range.start, { method: 'POST', body: 'x' });
      await agent.request();
      way.stop();
      expect((await pending).status).toBe(502);
      await eventually(async () => (await listAgents(gateway)).length === 0);
    });

    it('A11: gives way to the stream that comes with its id', async () => {
      await using gateway = await siloGateway({}, { duplicateProbeMs: 100 });
      await using way = await wayTo(gateway);
      using before = await SiloAgent.registered(way.port);
      const pending = send(gateway.range.start, { method: 'POST', body: 'x' });
      await before.request();
      way.stop();
      await using setup = await siloRegistered(gateway);
      setup.agent.onRequest = siloEcho(setup.agent);
      expect((await pending).status).toBe(502);
      expect((await send(gateway.range.start)).status).toBe(200);
    });
  });
});
