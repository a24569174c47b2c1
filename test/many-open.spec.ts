import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Cleanup, eventually, localService } from '@berth/testing';
import { send, testAgent, testGateway } from '@berth/testing/system';

const BODY = Buffer.alloc(5_000_000);

/** Upgrades, takes uploads to the end, sends 5 MB of `/large`, and is quick otherwise. */
function listener(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/large') response.end(BODY);
  else if (request.method === 'POST') request.on('end', () => response.end('all')).resume();
  else response.end('quick');
}

describe('issue 8, B8: exchanges that last, with the settings as they come', () => {
  const cleanup = new Cleanup();
  afterEach(() => cleanup.run());

  async function setUp(): Promise<number> {
    const service = cleanup.add(await localService(listener), (it) => it.close());
    service.server.on('upgrade', (_request, socket) => {
      socket.on('error', () => undefined).on('end', () => socket.end());
      socket.resume();
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
      cleanup.add(socket, (it) => it.destroy());
    });
    const gateway = cleanup.add(await testGateway(), (it) => it.close());
    const agent = await testAgent(gateway, service.port, { shutdown: { timeoutMs: 50 } });
    return cleanup.add(agent, (it) => it.stop()).port;
  }

  async function open(
    port: number,
    count: number,
    head: string,
    begun: (socket: Socket) => boolean,
  ): Promise<Socket[]> {
    const sockets = Array.from({ length: count }, () => {
      const socket = cleanup.add(connect({ host: '127.0.0.1', port }), (it) => it.destroy());
      socket.on('error', () => undefined);
      socket.write(head);
      return socket;
    });
    await eventually(() => sockets.every(begun), 30_000);
    return sockets;
  }

  async function expectQuick(port: number): Promise<void> {
    for (let i = 0; i < 5; i += 1) {
      const began = performance.now();
      expect((await send(port)).text).toBe('quick');
      expect(performance.now() - began).toBeLessThan(2000);
    }
  }

  it('1,100 open upgrades of one agent', async () => {
    const port = await setUp();
    const head = 'GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\nHost: a\r\n\r\n';
    const got = new Map<Socket, boolean>();
    await open(port, 1100, head, (socket) => {
      if (!got.has(socket)) {
        got.set(socket, false);
        socket.on('data', (bytes) => got.set(socket, String(bytes).startsWith('HTTP/1.1 101 ')));
      }
      return got.get(socket) === true;
    });
    await expectQuick(port);
  }, 60_000);

  it('300 uploads that send a byte now and then', async () => {
    const port = await setUp();
    const head = 'POST / HTTP/1.1\r\nContent-Length: 1000\r\nHost: a\r\n\r\nx';
    const sockets = await open(port, 300, head, (socket) => socket.bytesWritten > 0);
    const trickle = cleanup.add(
      setInterval(() => {
        for (const socket of sockets) socket.write('x');
      }, 100),
      clearInterval,
    );
    await expectQuick(port);
    clearInterval(trickle);
  }, 60_000);

  it('300 readers of 5 MB that stand still', async () => {
    const port = await setUp();
    const head = 'GET /large HTTP/1.1\r\nHost: a\r\n\r\n';
    await open(port, 300, head, (socket) => {
      if (socket.bytesRead > 0) socket.pause();
      else if (socket.listenerCount('data') === 0) socket.on('data', () => undefined);
      return socket.bytesRead > 0;
    });
    await expectQuick(port);
  }, 60_000);
});
