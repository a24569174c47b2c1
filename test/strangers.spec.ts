import { once } from 'node:events';
import { constants } from 'node:http2';
import { PROTOCOL_VERSION } from '@berth/tunnel-protocol';
import { eventually } from '@berth/testing';
import {
  agentIds,
  callHead,
  GUARD_TOKEN,
  guardedGateway,
  H2,
  H2_PREFACE,
  h2Frame,
  H2Peer,
  h2Session,
  helloMessage,
  helloOf,
  type LogLine,
  messageHead,
  openCall,
  RawAgent,
} from '@berth/testing/system';
import { GrpcEdge } from '../apps/gateway/src/tunnel/index.js';

const DEFAULT_WINDOW_BYTES = 65_535;

describe('who has no credentials', () => {
  const { log, failures, start } = guardedGateway();

  describe('what they send is not kept', () => {
    it.each<[string, Buffer | undefined]>([
      ['a refusal', helloMessage(helloOf('one'))],
      ['a malformed batch', Buffer.concat([messageHead(1), Buffer.of(1)])],
      ['a timeout', undefined],
    ])('%s ends the stream for good: first its status, then a reset', async (_, message) => {
      await using stack = new AsyncDisposableStack();
      const { stream, status } = openCall(stack.use(h2Session(stack.use(await start({ handshakeTimeoutMs: 200 })))));
      if (message !== undefined) stream.write(message);
      await once(stream, 'close');
      expect(status).toHaveLength(1);
      expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
      // Its own half was open still: only a reset closes it.
      expect(stream.aborted).toBe(true);
    });

    it('a method that does not exist ends the same way', async () => {
      await using stack = new AsyncDisposableStack();
      const { stream, status } = openCall(stack.use(h2Session(stack.use(await start()))), {
        ':path': '/berth.tunnel.v1.Tunnel/Nothing',
      });
      await once(stream, 'close');
      expect(status).toEqual([expect.stringMatching(/^12 /)]);
      expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
    });

    it('a connection has two calls at once, and small windows until its Hello has been accepted', async () => {
      await using stack = new AsyncDisposableStack();
      await using session = h2Session(stack.use(await start()));
      const { stream } = openCall(session);
      await once(session, 'remoteSettings');
      expect(session.remoteSettings.maxConcurrentStreams).toBe(2);
      expect(session.remoteSettings.initialWindowSize).toBe(DEFAULT_WINDOW_BYTES);
      stream.write(helloMessage(helloOf('one', { token: GUARD_TOKEN })));
      await eventually(() => (session.remoteSettings.initialWindowSize ?? 0) > 1_000_000);
      await eventually(() => (session.state.remoteWindowSize ?? 0) > 1_000_000);
    });

    it('messages that are compressed are not taken', async () => {
      await using stack = new AsyncDisposableStack();
      const { stream, status } = openCall(stack.use(h2Session(stack.use(await start()))), { 'grpc-encoding': 'gzip' });
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
      using stranger = await H2Peer.connect(gateway.grpcPort);
      stranger.send(H2_PREFACE, callHead(1), h2Frame(H2.data, 0, 1, messageHead(130_000)));
      act(stranger);
      await eventually(() => stranger.closed, 1500);
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
      using agent = new RawAgent(gateway.grpcPort).hello('one', { token: GUARD_TOKEN });
      await agent.welcome;
      using stranger = await H2Peer.connect(gateway.grpcPort);
      stranger.send(H2_PREFACE);
      stranger.flood(() => Buffer.concat(Array.from({ length: 100 }, next)));
      await eventually(() => stranger.closed, 10_000);
      expect(await agentIds(gateway)).toEqual(['one']);
    });

    it('an agent may say as much as it likes', async () => {
      await using gateway = await start();
      using stranger = await H2Peer.connect(gateway.grpcPort);
      const hello = helloMessage(helloOf('one', { token: GUARD_TOKEN }));
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
        stack.use(new RawAgent(gateway.grpcPort)).hello(`agent-${i}`, { token: 'wrong' }),
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
        stack.use(new RawAgent(gateway.grpcPort)).hello(`agent-${i}`, { token: 'wrong' }),
      );
      await Promise.all(agents.map(({ status }) => status));
      await stack.use(new RawAgent(gateway.grpcPort)).hello('old', { token: GUARD_TOKEN, versions: [99] }).status;
      expect(linesOf(log.lines, 'registration refused: BERTH_VERSION_UNSUPPORTED')).toHaveLength(1);
    });

    it('what a Hello says comes back cut', async () => {
      await using gateway = await start();
      const versions = Array.from({ length: 5000 }, (_, i) => PROTOCOL_VERSION + 1 + i);
      using agent = new RawAgent(gateway.grpcPort).hello('x'.repeat(10_000), { token: GUARD_TOKEN });
      using other = new RawAgent(gateway.grpcPort).hello('one', { token: GUARD_TOKEN, versions });
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
      const strangers = await Promise.all(
        Array.from({ length: 20 }, async () => stack.use(await H2Peer.connect(gateway.grpcPort))),
      );
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
