import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Controller, Get, Module, Sse } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import express from 'express';
import { fastify } from 'fastify';
import { of } from 'rxjs';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { disposable, eventually, owning, RawClient } from '@berth/testing';
import { send, start, testGateway } from '@berth/testing/system';
import { type Agent, type Handler, startAgent } from 'berth-agent';

@Controller()
class Greeter {
  @Get('hello')
  hello(): string {
    return 'nest';
  }

  @Sse('events')
  events(): unknown {
    return of({ data: 'tick' });
  }
}

@Module({ controllers: [Greeter] })
class GreeterModule {}

/** The exchange that a listener got, for the test to go on with. */
function taken(): { listener: (request: IncomingMessage, response: ServerResponse) => void; exchanged: Exchanged } {
  const { promise, resolve } = Promise.withResolvers<[IncomingMessage, ServerResponse]>();
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    resolve([request, response]);
  };
  return { listener, exchanged: promise };
}
type Exchanged = Promise<[IncomingMessage, ServerResponse]>;

describe('a handler in the process instead of a target', () => {
  async function serving(handler: Handler): Promise<{ agent: Agent; port: number; url: string } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    const gateway = stack.use(await testGateway());
    const gatewayAt = `127.0.0.1:${gateway.grpcPort}`;
    const agent = stack.use(await startAgent({ handler, id: 'me', gateway: gatewayAt, shutdown: { timeoutMs: 1000 } }));
    return owning({ agent, port: agent.ports[0]?.port ?? 0, url: agent.url }, stack);
  }

  async function textAt(url: string): Promise<string> {
    return (await fetch(url)).text();
  }

  it('Express, with an address of the client behind the proxy that it trusts', async () => {
    const app = express().set('trust proxy', 'loopback');
    app.get('/hello', (request, response) => void response.send(`express ${request.ip}`));
    await using served = await serving(app);
    expect(await textAt(`${served.url}/hello`)).toBe('express 127.0.0.1');
  });

  it('Fastify, ready or not', async () => {
    await using app = disposable(fastify(), (it) => it.close());
    app.get('/hello', (request) => `fastify ${request.ip}`);
    app.post('/length', (request) => ({ length: (request.body as string).length }));
    await using served = await serving(app);
    expect(await textAt(`${served.url}/hello`)).toBe('fastify 127.0.0.1');
    const posted = { method: 'POST', body: 'x'.repeat(300_000), headers: { 'content-type': 'text/plain' } };
    expect(await (await fetch(`${served.url}/length`, posted)).json()).toEqual({ length: 300_000 });
  });

  it('Nest, initialised or not', async () => {
    await using app = disposable(await NestFactory.create(GreeterModule, { logger: false }), (it) => it.close());
    await using served = await serving(app);
    expect(await textAt(`${served.url}/hello`)).toBe('nest');
    expect(await textAt(`${served.url}/events`)).toContain('data: tick');
  });

  it('an http.Server that listens nowhere, and one that listens elsewhere too', async () => {
    const server = createServer((request, response) => response.end(`server ${request.socket.remoteAddress}`));
    await using served = await serving(server);
    expect(await textAt(served.url)).toBe('server 127.0.0.1');
    expect(server.listening).toBe(false);
    await using elsewhere = disposable(server, (it) => it.close());
    await once(elsewhere.listen(0, '127.0.0.1'), 'listening');
    expect(await textAt(served.url)).toBe('server 127.0.0.1');
  });

  it('several, beside a target', async () => {
    await using gateway = await testGateway();
    await using other = await serving((_, response) => void response.end('first'));
    await using agent = await startAgent({
      id: 'me',
      gateway: `127.0.0.1:${gateway.grpcPort}`,
      target: other.url,
      expose: { api: (_request: IncomingMessage, response: ServerResponse) => void response.end('second') },
    });
    expect(await Promise.all(agent.ports.map(({ url }) => textAt(url)))).toEqual(['first', 'second']);
  });

  it('what serves TLS is refused by its option', async () => {
    const secure = createSecureServer() as unknown as Server;
    await expect(startAgent({ handler: secure, id: 'me' })).rejects.toThrow(/^handler: must be a function/);
    await using app = disposable(fastify({ https: {} }), (it) => it.close());
    const started = startAgent({ expose: { api: app as unknown as Handler }, id: 'me' });
    await expect(started).rejects.toThrow(/^expose\.api: serves HTTPS/);
  });

  it('heads as large as the gateway lets pass, headers as they were sent, and trailers', async () => {
    await using served = await serving((request, response) => {
      response.writeHead(299, 'Fine', ['X-B', '1', 'x-a', '2', 'X-B', '3', 'Trailer', 'X-Sum']);
      response.write(String(request.rawHeaders.join('').length > 20_000));
      response.addTrailers({ 'X-Sum': 'abc' });
      response.end();
    });
    const answer = await send(served.port, { headers: ['Host', 'a', 'X-Large', 'x'.repeat(20_000)] });
    expect([answer.status, answer.reason, answer.text]).toEqual([299, 'Fine', 'true']);
    expect(answer.rawHeaders.slice(0, 6)).toEqual(['X-B', '1', 'x-a', '2', 'X-B', '3']);
    expect(answer.rawTrailers).toEqual(['X-Sum', 'abc']);
  });

  it('a handler that does not read holds its upload back', async () => {
    const { listener, exchanged } = taken();
    await using served = await serving(listener);
    const upload = start(served.port, { method: 'POST' });
    upload.on('error', () => undefined);
    const [request, response] = await (upload.flushHeaders(), exchanged);
    const chunk = randomBytes(1_048_576);
    const whole = 64;
    for (let sent = 0; sent < whole; sent += 1) upload.write(chunk);
    const left = (): number => (upload.socket?.bytesWritten ?? 0) - upload.writableLength;
    await stands(left);
    // What the relay and the system hold is far less than the whole.
    expect(left()).toBeLessThan(32 * chunk.length);
    upload.end();
    let read = 0;
    for await (const piece of request) read += (piece as Buffer).length;
    expect(read).toBe(whole * chunk.length);
    response.end();
  });

  it('a client that does not read holds the handler back, and leaves: close comes in the handler', async () => {
    const { listener, exchanged } = taken();
    await using served = await serving(listener);
    using client = await RawClient.connect(served.port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    client.socket.pause();
    const [request, response] = await exchanged;
    const chunk = Buffer.alloc(65_536);
    let written = 0;
    const more = (): void => {
      while (response.write(chunk)) written += chunk.length;
      written += chunk.length;
    };
    response.on('drain', more);
    more();
    await stands(() => written);
    expect(written).toBeLessThan(64 * 1_048_576);
    const closed = once(response, 'close');
    client.socket.destroy();
    await closed;
    expect([response.writableFinished, request.destroyed]).toEqual([false, true]);
  });

  it('a request that is cut off is aborted in the handler', async () => {
    const { listener, exchanged } = taken();
    await using served = await serving(listener);
    using client = await RawClient.connect(served.port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome');
    const [request] = await exchanged;
    const failed = once(request.resume(), 'error');
    client.socket.destroy();
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('an answer that the handler breaks off is broken off for the client', async () => {
    await using served = await serving((_, response) => {
      response.write('part');
      setImmediate(() => response.destroy());
    });
    await expect(textAt(served.url)).rejects.toThrow();
  });

  it('WebSockets of a server', async () => {
    const server = createServer();
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) => {
      socket.on('message', (data: RawData, binary: boolean) => {
        socket.send(data as Buffer, { binary });
      });
    });
    await using served = await serving(server);
    await using socket = disposable(new WebSocket(served.url.replace('http', 'ws')), (it) => it.terminate());
    await once(socket, 'open');
    const message = randomBytes(3_000_000);
    const echoed = once(socket, 'message');
    socket.send(message);
    expect(((await echoed) as [Buffer])[0].equals(message)).toBe(true);
    const closed = once(socket, 'close');
    socket.close(1001, 'enough');
    expect(await closed).toEqual([1001, Buffer.from('enough')]);
    await eventually(() => sockets.clients.size === 0);
  });

  it('a pipe whose client ends its half still gets the answer', async () => {
    const server = createServer({}, () => undefined);
    server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo/1\r\n\r\n');
      const heard: Buffer[] = [];
      socket.on('data', (bytes: Buffer) => void heard.push(bytes));
      socket.on('end', () => socket.end(`heard ${Buffer.concat(heard).toString()}`));
    });
    await using served = await serving(server);
    using client = await RawClient.connect(served.port);
    client.send('GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n');
    await eventually(() => client.text().endsWith('\r\n\r\n'));
    client.send('all of it');
    client.socket.end();
    await eventually(() => client.ended);
    expect(client.text()).toMatch(/heard all of it$/);
  });

  it('leaves nothing behind, not even while it runs on Linux', async () => {
    const left = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('berth-agent-'));
    const before = left();
    const served = await serving((_, response) => void response.end());
    if (process.platform === 'linux') expect(left()).toEqual(before);
    await served[Symbol.asyncDispose]();
    expect(left()).toEqual(before);
  });

  it('says what is wrong with the folder that it would need', async () => {
    const program = `
      import { startAgent } from 'berth-agent';
      await startAgent({ handler: () => undefined, id: 'me' }).catch(({ message }) => console.log(message));`;
    const args = ['--input-type=module', '--eval', program];
    const said = async (folder: string): Promise<string> =>
      (await promisify(execFile)(process.execPath, args, { env: { ...process.env, TMPDIR: folder } })).stdout;
    expect(await said('/nowhere/at/all')).toBe(
      'handler: cannot make a folder in /nowhere/at/all (ENOENT); set TMPDIR to a short path that can be written to\n',
    );
    const long = mkdtempSync(join(tmpdir(), 'long-'));
    using stack = new DisposableStack();
    stack.defer(() => {
      rmSync(long, { recursive: true });
    });
    const deep = join(long, 'd'.repeat(100));
    mkdirSync(deep);
    expect(await said(deep)).toMatch(/^handler: cannot make a socket at .* \(E\w+\); set TMPDIR to a short path/);
    expect(readdirSync(deep)).toEqual([]);
  });
});

/** Waits until a figure grows no more. */
async function stands(figure: () => number): Promise<void> {
  let last = -1;
  let since = performance.now();
  await eventually(() => {
    const now = figure();
    if (now !== last) since = performance.now();
    last = now;
    return now > 0 && performance.now() - since > 300;
  }, 15_000);
}
