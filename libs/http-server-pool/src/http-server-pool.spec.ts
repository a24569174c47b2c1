import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { eventually } from '@berth/testing';
import { bindKey, HttpServerPool, PooledHttpServer } from './index.js';

const servers: PooledHttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(0)));
});

function make(listener: RequestListener = (_, response) => response.end('ok'), port = 0): PooledHttpServer {
  const server = new PooledHttpServer('test', { host: '127.0.0.1', port }, createServer(listener));
  servers.push(server);
  return server;
}

async function started(listener?: RequestListener): Promise<PooledHttpServer> {
  const server = make(listener);
  await server.start();
  return server;
}

async function client(server: PooledHttpServer): Promise<Socket> {
  const socket = connect(server.bind.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

describe('PooledHttpServer', () => {
  it('A5: listens when start has resolved', async () => {
    const server = await started();
    expect(server.running).toBe(true);
    expect(server.startedAt).toBeGreaterThan(0);
    (await client(server)).destroy();
  });

  it('A5: says which address it cannot have', async () => {
    const first = await started();
    const second = make(undefined, first.bind.port);
    await expect(second.start()).rejects.toMatchObject({
      code: 'BERTH_SERVER_START_FAILED',
      message: expect.stringContaining(`127.0.0.1:${first.bind.port}`) as string,
    });
    expect(second.running).toBe(false);
    await second.stop(0);
  });

  it('A6: lets a request end, and then does not wait for its connection', async () => {
    let finish: (() => void) | undefined;
    const server = await started((_, response) => (finish = () => response.end('done')));
    const response = new Promise<IncomingMessage>((resolve) => {
      get({ port: server.bind.port, headers: { connection: 'keep-alive' } }, resolve);
    });
    await eventually(() => finish);
    const stopped = server.stop(60_000);
    expect(server.running).toBe(false);
    finish?.();
    const chunks: Buffer[] = [];
    for await (const chunk of await response) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe('done');
    await stopped;
  });

  it('A6: destroys what is left when the grace is over', async () => {
    const server = await started(() => undefined);
    const socket = await client(server);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(server.server, 'request');
    const closed = once(socket, 'close');
    await server.stop(20);
    await closed;
  });

  it('A6: destroys sockets that were upgraded, too', async () => {
    const server = await started();
    server.server.on('upgrade', (_request, socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
    const socket = await client(server);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    await once(socket, 'data');
    const closed = once(socket, 'close');
    await server.stop(20);
    await closed;
  });

  it('A6: does not wait for a connection on which nothing was asked', async () => {
    const server = await started();
    const accepted = once(server.server, 'connection');
    const silent = await client(server);
    await accepted;
    const ended = once(silent.resume(), 'end');
    await server.stop(60_000);
    await ended;
  });

  it('stops once, however often it is asked', async () => {
    const server = await started();
    expect(server.stop(0)).toBe(server.stop(0));
    await server.stop(0);
  });

  it('A8: tells when it ends by itself, once, and not when it is stopped', async () => {
    const lost: (Error | undefined)[] = [];
    const [faulty, closed, stopped] = [await started(), await started(), await started()];
    for (const server of [faulty, closed, stopped]) server.onLost = (fault) => lost.push(fault);
    const fault = new Error('the socket is gone');
    faulty.server.emit('error', fault);
    expect(lost).toEqual([fault]);
    await eventually(() => !faulty.server.listening);
    closed.server.close();
    await eventually(() => lost.length === 2);
    await stopped.stop(0);
    expect(lost).toEqual([fault, undefined]);
    expect(faulty.running || closed.running || stopped.running).toBe(false);
  });
});

describe('HttpServerPool', () => {
  it('keys servers by address', async () => {
    expect(bindKey({ host: '::1', port: 80 })).toBe('[::1]:80');
    expect(bindKey({ host: 'localhost', port: 3000 })).toBe('localhost:3000');
    const pool = new HttpServerPool();
    const server = await started();
    pool.store(server);
    expect(pool.list()).toEqual([server]);
    expect(() => {
      pool.store(server);
    }).toThrow(/server already exists/);
    pool.delete(server);
    expect(pool.size).toBe(0);
  });

  it('A6: lets the next server have the address of one that only runs out, and keeps it when that one has', async () => {
    const pool = new HttpServerPool();
    const old = await started(() => undefined);
    pool.store(old);
    const lingering = await client(old);
    lingering.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(old.server, 'request');
    const ended = old.stop(60_000);
    const next = make(undefined, old.bind.port);
    await next.start();
    pool.store(next);
    lingering.destroy();
    await ended;
    pool.delete(old);
    expect(pool.list()).toEqual([next]);
  });

  it('A7: stops all, whatever one of them does', async () => {
    const pool = new HttpServerPool();
    const [one, two] = [await started(), await started()];
    pool.store(one);
    pool.store(two);
    const stop = one.stop.bind(one);
    one.stop = async (graceMs) => {
      await stop(graceMs);
      throw new Error('a fault of this server');
    };
    await pool.stopAll(0);
    expect(one.running || two.running).toBe(false);
    expect(pool.size).toBe(0);
    one.stop = stop;
  });
});
