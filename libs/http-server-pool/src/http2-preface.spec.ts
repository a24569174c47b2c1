import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { eventually, RawClient } from '@berth/testing';
import { AgentHttpServerFactory, type AgentTraffic } from './agent-http-server.factory.js';
import type { PooledHttpServer } from './pooled-http-server.js';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describe('a server that takes HTTP/2 in clear text', () => {
  let server: PooledHttpServer;
  const taken: Socket[] = [];
  const connections: Duplex[] = [];
  const errors: (string | undefined)[] = [];

  beforeEach(async () => {
    const traffic: AgentTraffic = {
      clearHttp2: true,
      http2: (socket) => taken.push(socket as Socket),
      connection: (socket) => connections.push(socket),
      request: (request: IncomingMessage, response: ServerResponse) => request.pipe(response),
      passed: () => undefined,
      upgrades: () => false,
      upgrade: () => undefined,
      clientError: (error: Error & { code?: string }, socket) => {
        errors.push(error.code);
        socket.destroy();
      },
      middlewareFailed: () => undefined,
    };
    const options = { maxHeaderBytes: 1000, headersTimeoutMs: 200, keepAliveTimeoutMs: 5000, maxConnections: 10 };
    const factory = new AgentHttpServerFactory(options);
    server = factory.create('test', { host: '127.0.0.1', port: 0 }, traffic);
    await server.start();
  });

  afterEach(async () => {
    for (const list of [taken, connections, errors]) list.splice(0);
    await server.stop(0);
  });

  it('hands on what begins with its preface, however that comes, with all that was read', async () => {
    using client = await RawClient.connect(server.port);
    for (const byte of PREFACE.slice(0, -1)) {
      client.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(taken).toHaveLength(0);
    client.send(`${PREFACE.slice(-1)}more`);
    await eventually(() => taken.length === 1);
    expect(String((taken[0] as Socket).read())).toBe(`${PREFACE}more`);
    expect(connections).toHaveLength(1);
  });

  it('serves HTTP/1.1 as before, also what looks like the preface at first', async () => {
    for (const text of [GET, 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab']) {
      using client = await RawClient.connect(server.port);
      client.send(text.slice(0, 1));
      await new Promise((resolve) => setImmediate(resolve));
      client.send(text.slice(1));
      await eventually(() => client.text().startsWith('HTTP/1.1 200 '));
      client.send(GET);
      await eventually(() => client.text().split('HTTP/1.1 200 ').length === 3);
    }
    expect(taken).toHaveLength(0);
  });

  it('streams a body that comes after the first look', async () => {
    using client = await RawClient.connect(server.port);
    const body = 'x'.repeat(1_000_000);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`);
    await eventually(() => client.text().includes('xxxxxxxxxx'));
    client.send(body.slice(10));
    await eventually(() => client.text().split('x').length - 1 >= body.length);
  });

  it('ends what says nothing in time, or only half of the preface', async () => {
    for (const text of ['', PREFACE.slice(0, 9)]) {
      using client = await RawClient.connect(server.port);
      client.send(text);
      await eventually(() => client.ended || client.closed);
    }
    expect(errors).toEqual(['ERR_HTTP_REQUEST_TIMEOUT', 'ERR_HTTP_REQUEST_TIMEOUT']);
  });

  it('lets go of clients that leave before they have said anything', async () => {
    using client = await RawClient.connect(server.port);
    client.socket.end();
    await eventually(() => client.closed);
    const other = await RawClient.connect(server.port);
    other.socket.resetAndDestroy();
    await eventually(() => server.connections === 0);
    expect(errors).toEqual([]);
  });
});
