import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { owning, disposable, eventually, localService, RawClient, type Recorded } from '@berth/testing';
import {
  codeIn,
  headLines,
  idle,
  recorded,
  type Relay,
  relayTo,
  relayToRecorder,
  untilClosed,
  untilMatch,
} from '@berth/testing/system';

const UPGRADE =
  'GET /up HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade, X-Named\r\nX-Named: 1\r\nUpgrade: echo/1\r\n\r\n';
const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nX-A: 1\r\nconnection: upgrade\r\nX-B: 2\r\nUpgrade: echo/1\r\nX-A: 3\r\n\r\n';

/** Says 101 to each head and then echoes; `#later` waits for the test. */
function switching(connection: Recorded): void {
  const text = connection.text();
  if (text.endsWith('\r\n\r\n') && !text.includes('#later')) connection.socket.write(SWITCH);
}

describe('upgrades', () => {
  async function webSockets(): Promise<{ relay: Relay; server: WebSocketServer } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    const service = stack.use(await localService((_request, response) => response.end('plain')));
    const server = new WebSocketServer({ server: service.server, maxPayload: 0 });
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.on('message', (data: RawData, binary: boolean) => {
        socket.send(data as Buffer, { binary });
      });
    });
    return owning({ relay: stack.use(await relayTo(service.port)), server }, stack);
  }

  async function opened(relay: Relay): Promise<WebSocket & AsyncDisposable> {
    const socket = disposable(new WebSocket(`ws://127.0.0.1:${relay.port}/ws?x=1`, 'chat'), (it) => it.terminate());
    socket.on('error', () => undefined);
    await once(socket, 'open');
    return socket;
  }

  it('WebSocket: text and large binary messages both ways, then an orderly close', async () => {
    await using setup = await webSockets();
    const { relay } = setup;
    await using socket = await opened(relay);
    expect(socket.protocol).toBe('chat');
    for (const message of ['hello', '', randomBytes(1), randomBytes(70_000), randomBytes(12_000_000)]) {
      const echoed = once(socket, 'message');
      socket.send(message);
      const [data, binary] = (await echoed) as [Buffer, boolean];
      expect([binary, data.equals(Buffer.from(message))]).toEqual([typeof message !== 'string', true]);
    }
    const closed = once(socket, 'close');
    socket.close(4321, 'bye');
    expect((await closed)[0]).toBe(4321);
    await idle(relay.gateway);
    expect(await (await fetch(relay.agent.url)).text()).toBe('plain');
  });

  it('a client that vanishes ends the WebSocket at the local service', async () => {
    await using setup = await webSockets();
    const { relay, server } = setup;
    const connected = once(server, 'connection') as Promise<[WebSocket]>;
    await using socket = await opened(relay);
    const [local] = await connected;
    const closed = once(local, 'close');
    socket.terminate();
    await closed;
    await idle(relay.gateway);
  });

  it('an agent that is lost ends the WebSocket at the client', async () => {
    await using setup = await webSockets();
    const { relay } = setup;
    await using socket = await opened(relay);
    const closed = once(socket, 'close');
    await relay.agent.stop();
    expect((await closed)[0]).toBe(1006);
  });

  it('a local service that goes away ends the WebSocket at the client', async () => {
    await using setup = await webSockets();
    const { relay, server } = setup;
    await using socket = await opened(relay);
    const closed = once(socket, 'close');
    for (const local of server.clients) local.terminate();
    expect((await closed)[0]).toBe(1006);
  });

  it('any protocol: heads pass in their order without hop-by-hop headers, then bytes both ways', async () => {
    await using relay = await relayToRecorder(switching);
    using client = await RawClient.connect(relay.port);
    client.send(UPGRADE);
    await eventually(() => client.text().endsWith('\r\n\r\n'));
    expect(headLines(client.text())).toEqual(headLines(SWITCH));
    const head = headLines(recorded(relay.recorder)).filter((line) => !line.startsWith('X-Forwarded'));
    expect(head).toEqual(['GET /up HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: echo/1']);
    client.send('\x00\xff\r\n\r\n');
    await eventually(() => recorded(relay.recorder).endsWith('\x00\xff\r\n\r\n'));
    relay.recorder.connections[0]?.socket.write('HTTP/1.1 not really\r\n');
    await eventually(() => client.text().endsWith('HTTP/1.1 not really\r\n'));
  });

  it('no byte of the client passes before the 101; those right behind its head are kept', async () => {
    await using relay = await relayToRecorder(switching);
    using client = await RawClient.connect(relay.port);
    client.send(UPGRADE.replace('/up', '/up#later') + 'early ');
    await eventually(() => recorded(relay.recorder).endsWith('\r\n\r\n'));
    client.send('and more');
    const connection = relay.recorder.connections[0] as Recorded;
    const before = connection.text();
    connection.socket.write('HTTP/1.1 103 Early Hints\r\n\r\n');
    await (await fetch(`${relay.gateway.admin}/health`)).text();
    expect(connection.text()).toBe(before);
    // Bytes of the local service right behind its head are kept as well.
    connection.socket.write(`${SWITCH}first `);
    await eventually(() => connection.text() === `${before}early and more`);
    await eventually(() => client.text().endsWith('\r\n\r\nfirst '));
  });

  it.each([
    [400, 'Bad Request'],
    [426, 'Upgrade Required'],
    [200, 'OK'],
  ])('a refusal with %d %s is relayed, with its body, whatever its size', async (status, reason) => {
    const body = 'x'.repeat(9_000_000);
    await using relay = await relayToRecorder((connection) => {
      connection.socket.write(
        `HTTP/1.1 ${status} ${reason}\r\nX-Why: 1\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    });
    const text = await untilClosed(relay.port, UPGRADE);
    expect(headLines(text)[0]).toBe(`HTTP/1.1 ${status} ${reason}`);
    expect(text).toContain('\r\nX-Why: 1\r\n');
    expect(text.length - text.indexOf('\r\n\r\n') - 4).toBe(body.length);
    await idle(relay.gateway);
  });

  it('502 when the local service is down or says no HTTP', async () => {
    await using relay = await relayToRecorder((connection) => connection.socket.end('what?\r\n'));
    const failed = await untilClosed(relay.port, UPGRADE);
    expect([headLines(failed)[0], codeIn(failed)]).toEqual(['HTTP/1.1 502 Bad Gateway', 'BERTH_LOCAL_SERVICE_FAILED']);
    await relay.recorder.close();
    const down = await untilClosed(relay.port, UPGRADE);
    expect(codeIn(down)).toBe('BERTH_LOCAL_SERVICE_UNREACHABLE');
    relay.recorder.close = () => Promise.resolve();
  });

  it('504 when nothing answers the upgrade in time', async () => {
    await using relay = await relayToRecorder(() => undefined, { gateway: { ingress: { responseTimeoutMs: 300 } } });
    const text = await untilClosed(relay.port, UPGRADE);
    expect([headLines(text)[0], codeIn(text)]).toEqual(['HTTP/1.1 504 Gateway Timeout', 'BERTH_RESPONSE_TIMEOUT']);
    await eventually(() => relay.recorder.connections[0]?.socket.destroyed);
  });

  it('either half of a pipe may end before the other', async () => {
    await using relay = await relayToRecorder(switching, { gateway: { ingress: { halfCloseGraceMs: 20 } } });
    const connection = async (): Promise<Recorded> => eventually(() => relay.recorder.connections.at(-1));
    // The recorder ends its half when the client's has ended; so it is told not to.
    using first = await RawClient.connect(relay.port);
    first.send(UPGRADE);
    await eventually(() => first.text().endsWith('\r\n\r\n'));
    const local = (await connection()).socket;
    local.removeAllListeners('end');
    const ended = once(local, 'end');
    first.send('question');
    first.socket.end();
    await ended;
    // Longer than the grace for plain requests: in a pipe a half that ended means nothing more.
    await new Promise((resolve) => setTimeout(resolve, 100));
    local.end('late answer');
    await eventually(() => first.ended && first.text().endsWith('late answer'));
    expect((await connection()).text().endsWith('question')).toBe(true);
    await idle(relay.gateway);

    using second = await RawClient.connect(relay.port);
    second.send(UPGRADE);
    await eventually(() => second.text().endsWith('\r\n\r\n'));
    const other = await connection();
    other.socket.end('last words');
    await eventually(() => second.ended && second.text().endsWith('last words'));
    second.send('still talking');
    await eventually(() => other.text().endsWith('still talking'));
    second.socket.end();
    await idle(relay.gateway);
  });

  it('a client that leaves before the 101 ends the attempt', async () => {
    await using relay = await relayToRecorder(() => undefined, { gateway: { ingress: { halfCloseGraceMs: 50 } } });
    for (const leave of ['end', 'resetAndDestroy'] as const) {
      const client = await RawClient.connect(relay.port);
      client.send(UPGRADE);
      const connection = await eventually(() => relay.recorder.connections.find(({ socket }) => !socket.destroyed));
      client.socket[leave]();
      await eventually(() => connection.socket.destroyed);
      client.destroy();
    }
    await idle(relay.gateway);
  });

  it('a request with a body is no upgrade: it is relayed as a plain one', async () => {
    await using relay = await relayToRecorder((connection) => {
      if (connection.text().endsWith('body')) connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const head =
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nContent-Length: 4\r\n\r\nbody';
    await untilMatch(relay.port, head, /ok$/);
    expect(recorded(relay.recorder)).not.toMatch(/upgrade/i);
  });

  it('A9: CONNECT is refused: a port is no forward proxy', async () => {
    await using relay = await relayToRecorder(() => undefined);
    const text = await untilClosed(relay.port, 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n');
    expect([headLines(text)[0], codeIn(text)]).toEqual(['HTTP/1.1 405 Method Not Allowed', 'BERTH_METHOD_NOT_ALLOWED']);
    expect(relay.recorder.connections).toHaveLength(0);
  });
});
