import { once } from 'node:events';
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
  messageHead,
  openCall,
  RawAgent,
} from '@berth/testing/system';
import { GrpcEdge } from '../apps/gateway/src/tunnel/index.js';

describe('who has no credentials', () => {
  const { failures, start } = guardedGateway();

  describe('silence does not lock agents out', () => {
    it('connections that never say Hello make room for an agent with a good token', async () => {
      await using gateway = await start({ maxPendingHandshakes: 10 });
      await using stack = new AsyncDisposableStack();
      const silent = await Promise.all(
        Array.from({ length: 11 }, async () => stack.use(await H2Peer.connect(gateway.grpcPort))),
      );
      for (const it of silent) it.send(H2_PREFACE, ...Array.from({ length: 100 }, (_, i) => callHead(1 + 2 * i)));
      for (let i = 0; i < 3; i += 1) {
        await stack.use(new RawAgent(gateway.grpcPort)).hello(`agent-${i}`, { token: GUARD_TOKEN }).welcome;
        const more = stack.use(await H2Peer.connect(gateway.grpcPort));
        more.send(H2_PREFACE, callHead(1));
      }
      expect(await agentIds(gateway)).toEqual(['agent-0', 'agent-1', 'agent-2']);
    });

    it('the one that has to go is told why, and may try again', async () => {
      await using gateway = await start({ maxPendingHandshakes: 1 });
      using first = new RawAgent(gateway.grpcPort);
      first.call.write(Buffer.alloc(0));
      await eventually(() => gateway.app.get(GrpcEdge).pending === 1);
      await using stack = new AsyncDisposableStack();
      await stack.use(new RawAgent(gateway.grpcPort)).hello('second', { token: GUARD_TOKEN }).welcome;
      await eventually(() => first.refused);
      expect(first.refused).toMatchObject({ code: 'BERTH_TOO_MANY_CONNECTIONS', retryable: true });
    });

    it('an address that has its part makes room for itself, and takes nothing from others', async () => {
      await using gateway = await start({ maxPendingHandshakesPerAddress: 2 });
      using other = await H2Peer.connect(gateway.grpcPort, '127.0.0.2');
      await using stack = new AsyncDisposableStack();
      const own = [
        stack.use(await H2Peer.connect(gateway.grpcPort)),
        stack.use(await H2Peer.connect(gateway.grpcPort)),
        stack.use(await H2Peer.connect(gateway.grpcPort)),
      ];
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
        'a bad id': opened(helloMessage(helloOf('not an id', { token: GUARD_TOKEN }))),
        'no version in common': opened(helloMessage(helloOf('one', { token: GUARD_TOKEN, versions: [99] }))),
        'a malformed batch': opened(Buffer.concat([messageHead(1), Buffer.of(0xff)])),
        'another method': [H2_PREFACE, callHead(1, { ':path': '/a/B' })],
        'something that is not gRPC': [H2_PREFACE, callHead(1, { 'content-type': 'text/plain' })],
      };
      const peers = new Map<string, H2Peer>();
      await using stack = new AsyncDisposableStack();
      for (const [ending, bytes] of Object.entries(endings)) {
        const stranger = stack.use(await H2Peer.connect(gateway.grpcPort));
        peers.set(ending, stranger);
        stranger.send(...bytes);
      }
      await eventually(() => [...peers].every(([, { closed }]) => closed), 5000 + 1500);
      // All of them had their answer before.
      expect([...peers].flatMap(([ending, { received }]) => (received < 60 ? [ending] : []))).toEqual([]);
    });

    it('an agent that ended its call and stays has its connection closed too', async () => {
      await using gateway = await start();
      using stranger = await H2Peer.connect(gateway.grpcPort);
      const hello = helloMessage(helloOf('one', { token: GUARD_TOKEN }));
      stranger.send(H2_PREFACE, callHead(1), h2Frame(H2.data, 0, 1, hello));
      await eventually(async () => (await agentIds(gateway)).length === 1);
      stranger.send(h2Frame(H2.data, 1, 1));
      await eventually(() => stranger.closed, 5000);
      expect(failures).toEqual([]);
    });

    it('an agent that does not read is cut off, and its connection is closed', async () => {
      await using gateway = await start({ pingIntervalMs: 100, pingTimeoutMs: 100 });
      using stranger = await H2Peer.connect(gateway.grpcPort);
      const hello = helloMessage(helloOf('deaf', { token: GUARD_TOKEN }));
      stranger.send(H2_PREFACE, callHead(1), h2Frame(H2.data, 0, 1, hello));
      stranger.socket.pause();
      await eventually(async () => (await agentIds(gateway)).length === 1);
      await eventually(async () => (await agentIds(gateway)).length === 0);
      await eventually(() => gateway.app.get(GrpcEdge).open === 0, 5000);
    });

    it('a connection that says nothing at all is closed, and an event tells', async () => {
      await using stack = new AsyncDisposableStack();
      using stranger = await H2Peer.connect(stack.use(await start({ handshakeTimeoutMs: 100 })).grpcPort);
      await eventually(() => stranger.closed, 5000);
      expect(failures).toMatchObject([{ reason: 'timeout' }]);
    });

    it('a call after a refusal can use the same connection, and keeps it', async () => {
      await using gateway = await start();
      await using session = h2Session(gateway);
      const refused = openCall(session);
      refused.stream.write(helloMessage(helloOf('one', { token: 'wrong' })));
      await once(refused.stream, 'close');
      openCall(session).stream.write(helloMessage(helloOf('one', { token: GUARD_TOKEN })));
      await eventually(async () => (await agentIds(gateway)).join() === 'one');
      expect(gateway.app.get(GrpcEdge).pending).toBe(0);
    });
  });
});
