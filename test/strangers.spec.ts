import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectH2,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { DeepPartial } from '@berth/config';
import type { GatewaySettings } from 'berth-gateway';
import { PROTOCOL_VERSION, TUNNEL_METHOD_PATH } from '@berth/tunnel-protocol';
import { disposable, eventually } from '@berth/testing';
import {
  agentIds,
  callHead,
  H2,
  H2_PREFACE,
  h2Frame,
  H2Peer,
  helloMessage,
  helloOf,
  type LogLine,
  logLines,
  messageHead,
  RawAgent,
  type TestGateway,
  testGateway,
} from '@berth/testing/system';
import { LifecycleEvents, type LifecycleEventMap } from 'berth-gateway';
import { GrpcEdge } from '../apps/gateway/src/tunnel/index.js';

const TOKEN = 'the-token';
const DEFAULT_WINDOW_BYTES = 65_535;

type Failure = LifecycleEventMap['handshake.failed'][0];

describe('who has no credentials', () => {
  const log = logLines('warn');
  const failures: Failure[] = [];
  const start = async (tunnel: DeepPartial<GatewaySettings['tunnel']> = {}): Promise<TestGateway> => {
    log.lines.length = 0;
    failures.length = 0;
    const gateway = await testGateway({ auth: { token: TOKEN }, tunnel }, 4, log.log);
    gateway.app.get(LifecycleEvents).on('handshake.failed', (failure) => void failures.push(failure));
    return gateway;
  };
  const peer = async (gateway: TestGateway, localAddress?: string): Promise<H2Peer> =>
    await H2Peer.connect(gateway.grpcPort, localAddress);
  const rawAgent = (gateway: TestGateway): RawAgent => new RawAgent(gateway.grpcPort);
  const h2 = (gateway: TestGateway): ClientHttp2Session & AsyncDisposable =>
    disposable(connectH2(`http://127.0.0.1:${gateway.grpcPort}`), (it) => {
      it.destroy();
    });
  /** A call that is never half-closed, and the status it ended with. */
  const call = (session: ClientHttp2Session, headers: object = {}): { stream: ClientHttp2Stream; status: string[] } => {
    const stream = session.request({
      ':method': 'POST',
      ':path': TUNNEL_METHOD_PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const status: string[] = [];
    const look = (received: IncomingHttpHeaders): void => {
      const { 'grpc-status': code, 'grpc-message': message } = received;
      if (code !== undefined) status.push(`${String(code)} ${String(message)}`);
    };
    stream.on('response', look).on('trailers', look).resume();
    return { stream, status };
  };

  describe('what they send is not kept', () => {
    it.each<[string, Buffer | undefined]>([
      ['a refusal', helloMessage(helloOf('one'))],
      ['a malformed batch', Buffer.concat([messageHead(1), Buffer.of(1)])],
      ['a timeout', undefined],
    ])('%s ends the stream for good: first its status, then a reset', async (_, message) => {
      await using stack = new AsyncDisposableStack();
      const { stream, status } = call(stack.use(h2(stack.use(await start({ handshakeTimeoutMs: 200 })))));
      if (message !== undefined) stream.write(message);
      await once(stream, 'close');
      expect(status).toHaveLength(1);
      expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
      // Its own half was open still: only a reset closes it.
      expect(stream.aborted).toBe(true);
    });

    it('a method that does not exist ends the same way', async () => {
      await using stack = new AsyncDisposableStack();
      const { stream, status } = call(stack.use(h2(stack.use(await start()))), {
        ':path': '/berth.tunnel.v1.Tunnel/Nothing',
      });
      await once(stream, 'close');
      expect(status).toEqual([expect.stringMatching(/^12 /)]);
      expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
    });

    it('a connection has two calls at once, and small windows until its Hello has been accepted', async () => {
      await using stack = new AsyncDisposableStack();
      await using session = h2(stack.use(await start()));
      const { stream } = call(session);
      await once(session, 'remoteSettings');
      expect(session.remoteSettings.maxConcurrentStreams).toBe(2);
      expect(session.remoteSettings.initialWindowSize).toBe(DEFAULT_WINDOW_BYTES);
      stream.write(helloMessage(helloOf('one', { token: TOKEN })));
      await eventually(() => (session.remoteSettings.initialWindowSize ?? 0) > 1_000_000);
      await eventually(() => (session.state.remoteWindowSize ?? 0) > 1_000_000);
    });

    it('messages that are compressed are not taken', async () => {
      await using stack = new AsyncDisposableStack();
      const { stream, status } = call(stack.use(h2(stack.use(await start()))), { 'grpc-encoding': 'gzip' });
      stream.write(Buffer.concat(Array.from({ length: 3 }, () => messageHead(0, true))));
      await once(stream, 'close');
      expect(status).toEqual([expect.stringMatching(/^12 .*does%20not%20take/)]);
    });

    it.each([
      ['a large message', (p: H2Peer) => p.send(...pieces(16_000, 4))],
      ['pieces of one byte', (p: H2Peer) => p.send(...pieces(1, 1000))],
      ['a message in heads', (p: H2Peer) => p.send(callHead(3, { x: 'x'.repeat(15_000), y: 'y'.repeat(15_000) }))],
    ])('whoever sends %s before a Hello is refused, and its connection cut', async (_, act) => {
      await using gateway = await start();
      using stranger = await peer(gateway);
      stranger.send(H2_PREFACE, callHead(1), h2Frame(H2.data, 0, 1, messageHead(130_000)));
      act(stranger);
      await eventually(() => stranger.closed, 1500);
    });
  });

  describe('silence does not lock agents out', () => {
    it('connections that never say Hello make room for an agent with a good token', async () => {
      await using gateway = await start({ maxPendingHandshakes: 10 });
      await using stack = new AsyncDisposableStack();
      const silent = await Promise.all(Array.from({ length: 11 }, async () => stack.use(await peer(gateway))));
      for (const it of silent) it.send(H2_PREFACE, ...Array.from({ length: 100 }, (_, i) => callHead(1 + 2 * i)));
      for (let i = 0; i < 3; i += 1) {
        await stack.use(rawAgent(gateway)).hello(`agent-${i}`, { token: TOKEN }).welcome;
        const more = stack.use(await peer(gateway));
        more.send(H2_PREFACE, callHead(1));
      }
      expect(await agentIds(gateway)).toEqual(['agent-0', 'agent-1', 'agent-2']);
    });

    it('the one that has to go is told why, and may try again', async () => {
      await using gateway = await start({ maxPendingHandshakes: 1 });
      using first = rawAgent(gateway);
      first.call.write(Buffer.alloc(0));
      await eventually(() => gateway.app.get(GrpcEdge).pending === 1);
      await using stack = new AsyncDisposableStack();
      await stack.use(rawAgent(gateway)).hello('second', { token: TOKEN }).welcome;
      await eventually(() => first.refused);
      expect(first.refused).toMatchObject({ code: 'BERTH_TOO_MANY_CONNECTIONS', retryable: true });
    });

    it('an address that has its part makes room for itself, and takes nothing from others', async () => {
      await using gateway = await start({ maxPendingHandshakesPerAddress: 2 });
      using other = await peer(gateway, '127.0.0.2');
      await using stack = new AsyncDisposableStack();
      const own = [stack.use(await peer(gateway)), stack.use(await peer(gateway)), stack.use(await peer(gateway))];
      await eventually(() => own[0]?.closed);
      expect([other, ...own].map(({ closed }) => closed)).toEqual([false, true, false, false]);
      expect(failures).toEqual([{ remoteAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/), reason: 'evicted' }]);
    });
  });

  describe('a connection without calls is closed', () => {
    const opened = (...bytes: Buffer[]) => [H2_PREFACE, callHead(1), ...bytes.map((it) => h2Frame(H2.data, 0, 1, it))];

    it('whatever ended its last call, the connection is closed within 5 s', async () => {
      await using gateway = await start({ handshakeTimeoutMs: 1500 });
      const endings: Record<string, Buffer[]> = {
        'no Hello in time': opened(),
        'a wrong token': opened(helloMessage(helloOf('one', { token: 'no' }))),
        'a bad id': opened(helloMessage(helloOf('not an id', { token: TOKEN }))),
        'no version in common': opened(helloMessage(helloOf('one', { token: TOKEN, versions: [99] }))),
        'a malformed batch': opened(Buffer.concat([messageHead(1), Buffer.of(0xff)])),
        'another method': [H2_PREFACE, callHead(1, { ':path': '/a/B' })],
        'something that is not gRPC': [H2_PREFACE, callHead(1, { 'content-type': 'text/plain' })],
      };
      const peers = new Map<string, H2Peer>();
      await using stack = new AsyncDisposableStack();
      for (const [ending, bytes] of Object.entries(endings)) {
        const stranger = stack.use(await peer(gateway));
        peers.set(ending, stranger);
        stranger.send(...bytes);
      }
      await eventually(() => [...peers].every(([, { closed }]) => closed), 5000 + 1500);
      // All of them had their answer before.
      expect([...peers].flatMap(([ending, { received }]) => (received < 60 ? [ending] : []))).toEqual([]);
    });

    it('an agent that ended its call and stays has its connection closed too', async () => {
      await using gateway = await start();
      using stranger = await peer(gateway);
      const hello = helloMessage(helloOf('one', { token: TOKEN }));
      stranger.send(H2_PREFACE, callHead(1), h2Frame(H2.data, 0, 1, hello));
      await eventually(async () => (await agentIds(gateway)).length === 1);
      stranger.send(h2Frame(H2.data, 1, 1));
      await eventually(() => stranger.closed, 5000);
      expect(failures).toEqual([]);
    });

    it('an agent that does not read is cut off, and its connection is closed', async () => {
      await using gateway = await start({ pingIntervalMs: 100, pingTimeoutMs: 100 });
      using stranger = await peer(gateway);
      const hello = helloMessage(helloOf('deaf', { token: TOKEN }));
      stranger.send(H2_PREFACE, callHead(1), h2Frame(H2.data, 0, 1, hello));
      stranger.socket.pause();
      await eventually(async () => (await agentIds(gateway)).length === 1);
      await eventually(async () => (await agentIds(gateway)).length === 0);
      await eventually(() => gateway.app.get(GrpcEdge).open === 0, 5000);
    });

    it('a connection that says nothing at all is closed, and an event tells', async () => {
      await using stack = new AsyncDisposableStack();
      using stranger = await peer(stack.use(await start({ handshakeTimeoutMs: 100 })));
      await eventually(() => stranger.closed, 5000);
      expect(failures).toMatchObject([{ reason: 'timeout' }]);
    });

    it('a call after a refusal can use the same connection, and keeps it', async () => {
      await using gateway = await start();
      await using session = h2(gateway);
      const refused = call(session);
      refused.stream.write(helloMessage(helloOf('one', { token: 'wrong' })));
      await once(refused.stream, 'close');
      call(session).stream.write(helloMessage(helloOf('one', { token: TOKEN })));
      await eventually(async () => (await agentIds(gateway)).join() === 'one');
      expect(gateway.app.get(GrpcEdge).pending).toBe(0);
    });
  });

  describe('what one agent may say', () => {
    let id = 1;
    it.each<[string, () => Buffer]>([
      [
        'streams that are opened and reset',
        () => Buffer.concat([callHead((id += 2)), h2Frame(H2.reset, 0, id, Buffer.of(0, 0, 0, 8))]),
      ],
      ['WINDOW_UPDATE frames', () => h2Frame(H2.windowUpdate, 0, 0, Buffer.of(0, 0, 0, 1))],
      ['PING frames', () => h2Frame(H2.ping, 0, 0, Buffer.alloc(8))],
      ['SETTINGS frames', () => h2Frame(H2.settings, 0, 0)],
      ['frames of no known type', () => h2Frame(0xaa, 0, 0, Buffer.alloc(100))],
    ])('a flood of %s ends its connection', async (_, next) => {
      id = 1;
      await using gateway = await start();
      using agent = rawAgent(gateway).hello('one', { token: TOKEN });
      await agent.welcome;
      using stranger = await peer(gateway);
      stranger.send(H2_PREFACE);
      stranger.flood(() => Buffer.concat(Array.from({ length: 100 }, next)));
      await eventually(() => stranger.closed, 10_000);
      expect(await agentIds(gateway)).toEqual(['one']);
    });

    it('an agent may say as much as it likes', async () => {
      await using gateway = await start();
      using stranger = await peer(gateway);
      const hello = helloMessage(helloOf('one', { token: TOKEN }));
      stranger.send(H2_PREFACE, callHead(1), h2Frame(H2.data, 0, 1, hello));
      await eventually(async () => (await agentIds(gateway)).length === 1);
      const empty = h2Frame(H2.data, 0, 1, messageHead(0));
      for (let i = 0; i < 100; i += 1) {
        stranger.send(...Array.from({ length: 100 }, () => empty));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await eventually(() => gateway.app.get(GrpcEdge).pending === 0);
      expect([stranger.closed, await agentIds(gateway)]).toEqual([false, ['one']]);
    });
  });

  describe('the log stays short', () => {
    it('refused registrations write a few lines, then one with the count', async () => {
      await using gateway = await start();
      await using stack = new AsyncDisposableStack();
      const agents = Array.from({ length: 50 }, (_, i) =>
        stack.use(rawAgent(gateway)).hello(`agent-${i}`, { token: 'wrong' }),
      );
      await Promise.all(agents.map(({ status }) => status));
      expect(linesOf(log.lines, 'registration refused')).toHaveLength(5);
      expect(log.lines[0]).toMatchObject({
        msg: 'registration refused: BERTH_UNAUTHENTICATED',
        code: 'BERTH_UNAUTHENTICATED',
        reason: expect.stringContaining('token') as string,
      });
    });

    it('a kind of refusal that floods the log does not hide another', async () => {
      await using gateway = await start();
      await using stack = new AsyncDisposableStack();
      const agents = Array.from({ length: 50 }, (_, i) =>
        stack.use(rawAgent(gateway)).hello(`agent-${i}`, { token: 'wrong' }),
      );
      await Promise.all(agents.map(({ status }) => status));
      await stack.use(rawAgent(gateway)).hello('old', { token: TOKEN, versions: [99] }).status;
      expect(linesOf(log.lines, 'registration refused: BERTH_VERSION_UNSUPPORTED')).toHaveLength(1);
    });

    it('what a Hello says comes back cut', async () => {
      await using gateway = await start();
      const versions = Array.from({ length: 5000 }, (_, i) => PROTOCOL_VERSION + 1 + i);
      using agent = rawAgent(gateway).hello('x'.repeat(10_000), { token: TOKEN });
      using other = rawAgent(gateway).hello('one', { token: TOKEN, versions });
      await Promise.all([agent.status, other.status]);
      for (const { refused, status } of [agent, other]) {
        expect(refused?.message.length).toBeLessThan(300);
        expect((await status).details.length).toBeLessThan(300);
      }
      expect(log.lines.map((line) => JSON.stringify(line).length).filter((length) => length > 1000)).toEqual([]);
    });

    it('what is no HTTP/2 leaves one line that says so', async () => {
      await using gateway = await start();
      await using stack = new AsyncDisposableStack();
      const strangers = await Promise.all(Array.from({ length: 20 }, async () => stack.use(await peer(gateway))));
      for (const stranger of strangers) stranger.send(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3)));
      await eventually(() => strangers.every(({ closed }) => closed));
      expect(linesOf(log.lines, 'a connection to the gRPC port speaks no HTTP/2')).toHaveLength(5);
      expect(failures).toHaveLength(20);
      expect(new Set(failures.map(({ reason }) => reason))).toEqual(new Set(['protocol']));
    });
  });

  /** One message in `count` pieces of `bytes`. */
  function pieces(bytes: number, count: number): Buffer[] {
    return Array.from({ length: count }, () => h2Frame(H2.data, 0, 1, Buffer.alloc(bytes)));
  }

  function linesOf(lines: readonly LogLine[], beginning: string): LogLine[] {
    return lines.filter(({ msg }) => msg.startsWith(beginning));
  }
});
