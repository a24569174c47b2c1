import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, get, type IncomingMessage, type RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freePortRange } from '@berth/testing';
import { PooledHttpServer, probeServer } from './index.js';

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
  const socket = connect(server.port, '127.0.0.1');
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
    const second = make(undefined, first.port);
    await expect(second.start()).rejects.toMatchObject({
      code: 'BERTH_SERVER_START_FAILED',
      message: expect.stringContaining(`127.0.0.1:${first.port}`) as string,
    });
    expect(second.running).toBe(false);
    await second.stop(0);
  });

  it('A6: lets a request end, and then does not wait for its connection', async () => {
    let finish: (() => void) | undefined;
    const server = await started((_, response) => (finish = () => response.end('done')));
    const response = new Promise<IncomingMessage>((resolve) => {
      get({ port: server.port, headers: { connection: 'keep-alive' } }, resolve);
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

  it('A6: does not wait for the client to close a connection after its last answer', async () => {
    let finish: (() => void) | undefined;
    const server = await started((_, response) => {
      // With its head sent before the stop, the answer cannot tell the client to close.
      response.write('begun');
      finish = () => response.end();
    });
    // Node itself would never close it.
    server.server.keepAliveTimeout = 0;
    const socket = await client(server);
    socket.resume().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');
    const stopped = server.stop(60_000);
    finish?.();
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

describe('PooledHttpServer, again', () => {
  it('D5: can be started again after a stop, on the port that it had', async () => {
    const server = await started();
    const { port } = server;
    await server.stop();
    expect([server.running, server.state]).toEqual([false, 'stopped']);
    await server.start();
    expect([server.running, server.port]).toEqual([true, port]);
    (await client(server)).destroy();
  });

  it('D5: a restart takes connections while a request of before is under way, and ends that within the grace', async () => {
    let finish: (() => void) | undefined;
    const server = await started((request, response) => {
      if (request.url === '/slow') finish = () => response.end('slow');
      else response.end('fast');
    });
    const url = `http://127.0.0.1:${server.port}`;
    const slow = fetch(`${url}/slow`);
    await eventually(() => finish);
    await server.restart(60_000);
    expect(await (await fetch(`${url}/`)).text()).toBe('fast');
    expect(server.connections).toBeGreaterThanOrEqual(1);
    finish?.();
    expect(await (await slow).text()).toBe('slow');
    const stuck = await client(server);
    stuck.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(server.server, 'request');
    const cut = once(stuck.resume(), 'close');
    await server.restart(20);
    await cut;
    expect(server.running).toBe(true);
  });

  it('D12: a stop that follows a restart ends what is left of before it, too', async () => {
    const server = await started(() => undefined);
    const socket = await client(server);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(server.server, 'request');
    await server.restart(60_000);
    const closed = once(socket.resume(), 'close');
    await server.stop(20);
    await closed;
    expect(server.connections).toBe(0);
  });

  it('D12: an address in use is tried again, and had when it is free', async () => {
    const first = await started();
    const second = new PooledHttpServer(
      'second',
      first.bind,
      createServer((_, response) => response.end('second')),
      {
        bindAttempts: 5,
      },
    );
    servers.push(second);
    let failed = 0;
    second.server.on('error', () => {
      failed += 1;
      void first.stop(0);
    });
    await second.start();
    expect(failed).toBeGreaterThanOrEqual(1);
    expect(await (await fetch(`http://127.0.0.1:${second.port}/`)).text()).toBe('second');
  });

  it('D12: says after how many attempts it gave up, and a stop ends the attempts', async () => {
    const first = await started();
    const make = (bindAttempts: number): PooledHttpServer =>
      new PooledHttpServer('second', first.bind, createServer(), { bindAttempts });
    await expect(make(2).start()).rejects.toThrow(/after 2 attempts: something else listens there.* \(EADDRINUSE\)$/);
    const patient = make(20);
    const start = patient.start();
    await once(patient.server, 'error');
    expect(patient.state).toBe('starting');
    await patient.stop();
    await expect(start).rejects.toMatchObject({ code: 'BERTH_SERVER_START_FAILED' });
    expect(patient.state).toBe('stopped');
  });

  it('D12: without a handler every request gets a 500; with a faulty one, that request and no other', async () => {
    const errors: unknown[] = [];
    const server = new PooledHttpServer('bare', { host: '127.0.0.1', port: 0 }, createServer());
    servers.push(server);
    server.onHandlerError = (error) => errors.push(error);
    await server.start();
    const ask = async (): Promise<unknown> => {
      const answer = await fetch(`http://127.0.0.1:${server.port}/`);
      return [answer.status, ((await answer.json()) as { error: { message: string } }).error.message];
    };
    expect(await ask()).toEqual([500, 'this server has no handler']);
    const bug = new Error('a bug');
    server.sharedHandler = () => {
      throw bug;
    };
    expect(await ask()).toEqual([500, 'the handler failed']);
    server.sharedHandler = () => Promise.reject(bug);
    expect(await ask()).toEqual([500, 'the handler failed']);
    expect(errors).toEqual([bug, bug]);
    expect(server.requests).toBe(3);
  });

  it('D12: a disabled one does not listen', async () => {
    const server = new PooledHttpServer('off', { host: '127.0.0.1', port: 0 }, createServer(), { disabled: true });
    await server.start();
    await server.restart();
    expect([server.running, server.server.listening, server.state]).toEqual([false, false, 'disabled']);
  });

  it('D13: takes the first free port of a range', async () => {
    const { start, end } = await freePortRange(3);
    const range = { host: '127.0.0.1', port: start, lastPort: end };
    const all = [1, 2, 3, 4].map((i) => new PooledHttpServer(String(i), range, createServer()));
    servers.push(...all);
    const results = await Promise.allSettled(all.map((server) => server.start()));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    const running = all.filter((server) => server.running);
    expect(running.map(({ port }) => port).sort()).toEqual([start, start + 1, end]);
    expect(running[0]?.key).toBe(`127.0.0.1:${String(running[0]?.port)}`);
  });

  it('D1: listens on a Unix socket, also where a process that was killed left one behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-pool-'));
    const path = join(folder, 'app.sock');
    // A socket file without a listener, as a killed process leaves it.
    execFileSync('python3', ['-c', `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(path)})`]);
    const server = new PooledHttpServer(
      'unix',
      { path },
      createServer((_, response) => response.end('unix')),
    );
    servers.push(server);
    await server.start();
    expect([server.key, server.expose, server.port]).toEqual([`unix:${path}`, `unix:${path}`, 0]);
    const response = await new Promise<IncomingMessage>((resolve) => get({ socketPath: path, path: '/' }, resolve));
    expect(response.statusCode).toBe(200);
    response.resume();
    // One that somebody listens on is not taken away.
    const second = new PooledHttpServer('second', { path }, createServer());
    await expect(second.start()).rejects.toThrow('EADDRINUSE');
    expect((await probeServer(server)).outcome).toBe('ok');
    await server.stop(0);
    rmSync(folder, { recursive: true });
  });
});
