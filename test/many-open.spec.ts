import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { owning, disposable, eventually, localService } from '@berth/testing';
import { send, type TestAgent, testAgent, testGateway } from '@berth/testing/system';

const BODY = Buffer.alloc(5_000_000);

describe('exchanges that last, with the settings as they come', () => {
  /** that have reached the service, in this test */
  let uploads = 0;

  /** Upgrades, takes uploads to the end, sends 5 MB of `/large`, and is quick otherwise. */
  function listener(request: IncomingMessage, response: ServerResponse): void {
    if (request.url === '/large') response.end(BODY);
    else if (request.method === 'POST') {
      uploads += 1;
      request.on('end', () => response.end('all')).resume();
    } else response.end('quick');
  }

  async function setUp(): Promise<TestAgent> {
    await using stack = new AsyncDisposableStack();
    const service = stack.use(await localService(listener));
    service.server.on('upgrade', (_request, socket) => {
      socket.on('error', () => undefined).on('end', () => socket.end());
      socket.resume();
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    });
    const gateway = stack.use(await testGateway());
    const agent = stack.use(await testAgent(gateway, service.port, { shutdown: { timeoutMs: 50 } }));
    return owning(agent, stack);
  }

  async function open(
    port: number,
    count: number,
    head: string,
    begun: (socket: Socket) => boolean,
  ): Promise<Socket[] & AsyncDisposable> {
    const sockets = Array.from({ length: count }, () => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.on('error', () => undefined);
      socket.write(head);
      return socket;
    });
    const held = disposable(sockets, () => {
      for (const socket of sockets) socket.destroy();
    });
    await eventually(() => sockets.every(begun), 30_000);
    return held;
  }

  async function expectQuick(port: number): Promise<void> {
    for (let i = 0; i < 5; i += 1) {
      const began = performance.now();
      expect((await send(port)).text).toBe('quick');
      // A busy machine takes two seconds; a request that has to wait for the others waits as long as they stay.
      expect(performance.now() - began).toBeLessThan(10_000);
    }
  }

  it('1,100 open upgrades of one agent', async () => {
    await using setup = await setUp();
    const { port } = setup;
    const head = 'GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\nHost: a\r\n\r\n';
    const got = new Map<Socket, boolean>();
    await using stack = new AsyncDisposableStack();
    stack.use(
      await open(port, 1100, head, (socket) => {
        if (!got.has(socket)) {
          got.set(socket, false);
          socket.on('data', (bytes) => got.set(socket, String(bytes).startsWith('HTTP/1.1 101 ')));
        }
        return got.get(socket) === true;
      }),
    );
    await expectQuick(port);
  }, 60_000);

  it('300 uploads that send a byte now and then', async () => {
    await using setup = await setUp();
    const { port } = setup;
    const head = 'POST / HTTP/1.1\r\nContent-Length: 1000\r\nHost: a\r\n\r\nx';
    uploads = 0;
    // Not before all are under way: what sockets have written counts from before they are connected.
    await using sockets = await open(port, 300, head, () => uploads === 300);
    await using trickle = disposable(
      setInterval(() => {
        for (const socket of sockets) socket.write('x');
      }, 100),
      clearInterval,
    );
    await expectQuick(port);
    clearInterval(trickle);
  }, 60_000);

  it('300 readers of 5 MB that stand still', async () => {
    await using setup = await setUp();
    const { port } = setup;
    const head = 'GET /large HTTP/1.1\r\nHost: a\r\n\r\n';
    await using stack = new AsyncDisposableStack();
    stack.use(
      await open(port, 300, head, (socket) => {
        if (socket.bytesRead > 0) socket.pause();
        else if (socket.listenerCount('data') === 0) socket.on('data', () => undefined);
        return socket.bytesRead > 0;
      }),
    );
    await expectQuick(port);
  }, 60_000);
});
