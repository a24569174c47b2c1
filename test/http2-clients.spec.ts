import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import { WebSocketServer } from 'ws';
import { eventually, localService, owning } from '@berth/testing';
import { logLines, type LogLines, type TestAgent, testAgent, testGateway } from '@berth/testing/system';

interface Lab extends AsyncDisposable {
  client: ClientHttp2Session;
  port: number;
  agent: TestAgent;
  log: LogLines;
}

/** An agent's port with HTTP/2 in clear text; its service speaks HTTP/1.1, and says what it got. */
async function lab(corsOrigins: string[] = []): Promise<Lab> {
  await using stack = new AsyncDisposableStack();
  const service = stack.use(
    await localService((request, response) => {
      const digest = createHash('sha256');
      request.on('data', (bytes: Buffer) => digest.update(bytes));
      request.on('end', () => {
        if (request.url === '/large') {
          response.end(Buffer.alloc(20_000_000, 'x'));
          return;
        }
        response.writeHead(200, 'Fine', { Trailer: 'X-Sum', 'X-Head': JSON.stringify(request.rawHeaders) });
        response.write(`${request.method ?? ''} ${request.url ?? ''}`);
        response.addTrailers({ 'X-Sum': digest.digest('hex') });
        response.end();
      });
    }),
  );
  const sockets = new WebSocketServer({ server: service.server });
  sockets.on('connection', (socket) => {
    socket.on('message', (data, binary) => {
      socket.send(data as Buffer, { binary });
    });
  });
  const log = logLines();
  const gateway = stack.use(
    await testGateway({ ingress: { http2: { clear: true } }, agentPorts: { corsOrigins } }, 4, log.log),
  );
  const agent = stack.use(await testAgent(gateway, service.port));
  const client = connect(agent.url);
  client.on('error', () => undefined);
  stack.defer(() => {
    client.destroy();
  });
  return owning({ client, port: agent.port, agent, log }, stack);
}

interface Answer {
  head: IncomingHttpHeaders;
  body: Buffer;
  trailers: IncomingHttpHeaders | undefined;
}

async function answerTo(stream: ClientHttp2Stream): Promise<Answer> {
  const chunks: Buffer[] = [];
  let trailers: IncomingHttpHeaders | undefined;
  stream.on('data', (bytes: Buffer) => chunks.push(bytes));
  stream.on('trailers', (got: IncomingHttpHeaders) => (trailers = got));
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  if (!stream.readableEnded) await once(stream, 'end');
  return { head, body: Buffer.concat(chunks), trailers };
}

describe('clients of HTTP/2', () => {
  it('reach a service of HTTP/1.1, which is told who asks, on the port that HTTP/1.1 uses too', async () => {
    await using it = await lab();
    const { head, body, trailers } = await answerTo(it.client.request({ ':path': '/a?b', ':authority': 'h', x: '1' }));
    expect([head[':status'], String(body)]).toEqual([200, 'GET /a?b']);
    const got = JSON.parse(String(head['x-head'])) as string[];
    expect(got).toEqual(expect.arrayContaining(['host', 'h', 'x', '1', 'X-Forwarded-For', '127.0.0.1']));
    expect(got.filter((name) => name.startsWith(':'))).toEqual([]);
    expect(head).not.toHaveProperty('connection');
    expect(trailers?.['x-sum']).toBe(createHash('sha256').digest('hex'));
    const other = await fetch(`http://127.0.0.1:${it.port}/c`);
    expect(await other.text()).toBe('GET /c');
  });

  it('send and get large bodies whole, many at once', async () => {
    await using it = await lab();
    const bodies = Array.from({ length: 12 }, () => randomBytes(1_500_000));
    const sums = await Promise.all(
      bodies.map(async (body) => {
        const stream = it.client.request({ ':method': 'POST', ':path': '/sum' });
        stream.end(body);
        return (await answerTo(stream)).trailers?.['x-sum'];
      }),
    );
    expect(sums).toEqual(bodies.map((body) => createHash('sha256').update(body).digest('hex')));
    const { body } = await answerTo(it.client.request({ ':path': '/large' }));
    expect(body.equals(Buffer.alloc(20_000_000, 'x'))).toBe(true);
  });

  it('are not held up by one that does not read', async () => {
    await using it = await lab();
    const slow = it.client.request({ ':path': '/large' });
    await once(slow, 'response');
    for (let i = 0; i < 20; i += 1) {
      const { body } = await answerTo(it.client.request({ ':path': `/${i}` }));
      expect(String(body)).toBe(`GET /${i}`);
    }
    slow.close();
  });

  it('have WebSockets', async () => {
    await using it = await lab();
    await once(it.client, 'remoteSettings');
    const head = { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':path': '/', ':authority': 'h' };
    const stream = it.client.request({ ...head, 'sec-websocket-version': '13' }, { endStream: false });
    const chunks: Buffer[] = [];
    stream.on('data', (bytes: Buffer) => chunks.push(bytes));
    const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    expect(answer[':status']).toBe(200);
    // A text frame, with a mask of zeros.
    stream.write(Buffer.concat([Buffer.from([0x81, 0x85, 0, 0, 0, 0]), Buffer.from('hello')]));
    await eventually(() => Buffer.concat(chunks).equals(Buffer.from('\x81\x05hello', 'latin1')));
    // Close, and its echo.
    stream.end(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
    await once(stream, 'close');
    expect(stream.rstCode).toBe(0);
  });

  it('are told when there is no agent any more', async () => {
    await using it = await lab();
    await answerTo(it.client.request({ ':path': '/' }));
    const gone = once(it.client, 'goaway');
    void it.agent.stop();
    expect((await gone)[0]).toBe(0);
  });

  it('get what pages of other origins may do, where there is CORS', async () => {
    await using it = await lab(['https://a.example']);
    const preflight = { origin: 'https://a.example', 'access-control-request-method': 'PUT' };
    const asked = await answerTo(it.client.request({ ':path': '/', ':method': 'OPTIONS', ...preflight }));
    expect([asked.head[':status'], asked.head['access-control-allow-origin']]).toEqual([204, 'https://a.example']);
    const other = await answerTo(it.client.request({ ':path': '/', origin: 'https://b.example' }));
    expect([other.head[':status'], other.head['access-control-allow-origin']]).toEqual([200, undefined]);
  });
});
