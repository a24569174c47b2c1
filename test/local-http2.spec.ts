import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { AgentSettings } from 'berth-agent';
import type { DeepPartial } from '@berth/config';
import {
  eventually,
  h2Service,
  type H2Listener,
  type H2Service,
  localService,
  owning,
  RawClient,
  rawRecorder,
} from '@berth/testing';
import {
  codeIn,
  finish,
  H2,
  h2Frame,
  headOf,
  type LogLines,
  logLines,
  send,
  start,
  testAgent,
  testGateway,
} from '@berth/testing/system';

async function readAll(stream: ServerHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function behindGateway(
  listener: H2Listener,
  options: Parameters<typeof h2Service>[1] = {},
): Promise<{ port: number; service: H2Service } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const service = stack.use(await h2Service(listener, options));
  const gateway = stack.use(await testGateway());
  const agent = stack.use(await testAgent(gateway, `h2c://127.0.0.1:${service.port}`));
  return owning({ port: agent.port, service }, stack);
}

const GOAWAY = 7;
/** `:status: 200`, END_HEADERS. */
const OK_HEAD = h2Frame(H2.headers, 4, 1, Buffer.from([0x88]));

function code(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

/** A service that does what no library does; `answer` is called with each connection that has brought a request. */
async function behindScript(
  answer: (socket: Socket) => unknown,
  local: DeepPartial<AgentSettings['local']> = {},
): Promise<{ port: number; log: LogLines; connections: readonly unknown[] } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const greeted = new Set<Socket>();
  const answered = new Set<Socket>();
  const service = stack.use(
    await rawRecorder((connection) => {
      const { socket } = connection;
      if (!greeted.has(socket)) socket.write(h2Frame(H2.settings, 0, 0));
      greeted.add(socket);
      // HEADERS of stream 1 with END_STREAM and END_HEADERS and whatever priority, behind the service's settings.
      if (!/\x01[\x05\x25]\x00\x00\x00\x01/.test(connection.text()) || answered.has(socket)) return;
      answered.add(socket);
      answer(socket);
    }),
  );
  const gateway = stack.use(await testGateway());
  const log = logLines();
  const agent = stack.use(await testAgent(gateway, `h2c://127.0.0.1:${service.port}`, { local }, log.log));
  return owning({ port: agent.port, log, connections: service.connections }, stack);
}

describe('a service of HTTP/2 beside the agent', () => {
  it('gets method, target, host and headers in order, and its answer comes back with repeats', async () => {
    let got: string[] = [];
    await using setup = await behindGateway((stream, _headers, raw) => {
      got = raw;
      stream.respond({ ':status': 200, 'set-cookie': ['a=1', 'b=2'], 'x-latin': 'caf\xe9' });
      stream.end('hello');
    });
    const headers = ['Host', 'app.test', 'X-B', '2', 'X-A', '1', 'X-B', '3', 'X-Latin', 'caf\xe9', 'TE', 'trailers'];
    const answer = await send(setup.port, { method: 'DELETE', path: '/a%2Fb?c=d', headers });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('hello');
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(answer.headers['x-latin']).toBe('caf\xe9');
    expect(got.slice(0, 18)).toEqual([
      ...[':method', 'DELETE', ':scheme', 'http', ':authority', 'app.test', ':path', '/a%2Fb?c=d'],
      ...['x-b', '2', 'x-a', '1', 'x-b', '3', 'x-latin', 'caf\xe9', 'te', 'trailers'],
    ]);
    expect(got).not.toContain('host');
    expect(got).not.toContain('connection');
  });

  it('requests share one connection', async () => {
    await using setup = await behindGateway((stream, headers) => {
      stream.respond({ ':status': 200 });
      stream.end(headers[':path']);
    });
    const { port, service } = setup;
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => send(port, { path: `/${i}` })));
    expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 50 }, (_, i) => `/${i}`));
    expect(service.sessions.length).toBe(1);
  });

  it('trailers go both ways', async () => {
    let trailers: string[] = [];
    await using setup = await behindGateway((stream) => {
      stream.on('trailers', (_headers, _flags, raw: string[]) => (trailers = raw));
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => {
        stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' });
      });
      void readAll(stream).then((body) => stream.end(body));
    });
    using client = await RawClient.connect(setup.port);
    client.send(
      'POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: close\r\n\r\n' +
        '3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n',
    );
    await eventually(() => client.ended);
    expect(client.text()).toContain('abc');
    expect(client.text()).toMatch(/0\r\ngrpc-status: 0\r\ngrpc-message: fine\r\n\r\n$/);
    expect(trailers).toEqual(['x-sum', '7']);
  });

  it('a body of 32 MB comes whole in both directions', async () => {
    await using setup = await behindGateway((stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const body = Buffer.alloc(32 * 1024 * 1024);
    for (let i = 0; i < body.length; i += 4) body.writeUInt32LE(i, i);
    const answer = await send(setup.port, { method: 'POST', body });
    expect(answer.body.equals(body)).toBe(true);
  });

  it('both directions run at the same time', async () => {
    await using setup = await behindGateway((stream) => {
      stream.respond({ ':status': 200 });
      stream.on('data', (chunk: Buffer) => stream.write(`<${chunk.toString()}>`));
      stream.on('end', () => stream.end('.'));
    });
    const outgoing = start(setup.port, { method: 'POST' });
    outgoing.flushHeaders();
    const response = await headOf(outgoing);
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    for (const word of ['one', 'two', 'three']) {
      outgoing.write(word);
      await eventually(() => text.endsWith(`<${word}>`));
    }
    outgoing.end();
    await once(response, 'end');
    expect(text).toBe('<one><two><three>.');
  });

  it('interim answers and an Expect are passed on', async () => {
    await using setup = await behindGateway((stream, headers) => {
      if (headers.expect === '100-continue') stream.additionalHeaders({ ':status': 100 });
      stream.additionalHeaders({ ':status': 103, link: '</a>' });
      stream.respond({ ':status': 200 });
      void readAll(stream).then((body) => stream.end(body));
    });
    using client = await RawClient.connect(setup.port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n');
    await eventually(() => client.text().includes('HTTP/1.1 100'));
    client.send('ab');
    await eventually(() => client.ended);
    expect(client.text()).toMatch(/^HTTP\/1\.1 100 [^]*HTTP\/1\.1 103 [^]*link: <\/a>[^]*HTTP\/1\.1 200 /);
  });

  it('a client that leaves ends its stream with CANCEL, and no other one', async () => {
    const streams: ServerHttp2Stream[] = [];
    await using setup = await behindGateway((stream) => {
      streams.push(stream);
      stream.respond({ ':status': 200 });
      stream.write('x');
    });
    const leaving = start(setup.port);
    leaving.end();
    await headOf(leaving);
    const staying = start(setup.port);
    staying.end();
    const answer = finish(await headOf(staying));
    leaving.on('error', () => undefined).destroy();
    await eventually(() => streams[0]?.closed);
    expect(streams[0]?.rstCode).toBe(8);
    expect(streams[1]?.closed).toBe(false);
    streams[1]?.end('y');
    expect((await answer).text).toBe('xy');
  });

  it.each([
    ['a reset', h2Frame(H2.reset, 0, 1, code(2))],
    ['a reset without an error', h2Frame(H2.reset, 0, 1, code(0))],
    ['a cancellation', h2Frame(H2.reset, 0, 1, code(8))],
    ['GOAWAY with an error', h2Frame(GOAWAY, 0, 0, Buffer.concat([code(1), code(11)]))],
    ['the end of its connection', undefined],
  ])('%s in the middle of an answer breaks the answer off', async (_name, last) => {
    await using setup = await behindScript((socket) => {
      socket.write(Buffer.concat([OK_HEAD, h2Frame(H2.data, 0, 1, Buffer.from('part'))]));
      setImmediate(() => (last === undefined ? socket.end() : socket.write(last)));
    });
    await expect(send(setup.port)).rejects.toThrow(/aborted|reset|hang up/);
  });

  it('a reset before the answer is 502, with its name in the log', async () => {
    await using setup = await behindScript((socket) => socket.write(h2Frame(H2.reset, 0, 1, code(2))));
    const answer = await send(setup.port);
    expect([answer.status, codeIn(answer.text)]).toEqual([502, 'BERTH_LOCAL_SERVICE_FAILED']);
    expect(JSON.stringify(setup.log.at('warn'))).toContain('it reset the stream: INTERNAL_ERROR');
  });

  it('a service that falls silent and answers no PING is 504', async () => {
    await using setup = await behindScript(() => undefined, { pingIntervalMs: 50, connectTimeoutMs: 200 });
    const answer = await send(setup.port);
    expect([answer.status, codeIn(answer.text)]).toEqual([504, 'BERTH_RESPONSE_TIMEOUT']);
    expect(JSON.stringify(setup.log.at('warn'))).toContain('it answers no PING (local.pingIntervalMs');
  });

  it('a service of HTTP/1.1 is named as such', async () => {
    await using gateway = await testGateway();
    await using service = await localService((_request, response) => response.end());
    await using agent = await testAgent(gateway, `h2c://127.0.0.1:${service.port}`);
    const answer = await send(agent.port);
    expect(answer.status).toBe(502);
    expect(answer.text).toContain('it does not speak HTTP/2');
  });

  it('a service that is away is 502 as any other', async () => {
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, 'h2c://127.0.0.1:1');
    const answer = await send(agent.port);
    expect([answer.status, codeIn(answer.text)]).toEqual([502, 'BERTH_LOCAL_SERVICE_UNREACHABLE']);
    expect(answer.text).toContain('it refuses connections');
  });
});
