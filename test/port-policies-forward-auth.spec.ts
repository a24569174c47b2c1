import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest, type RequestListener } from 'node:http';
import { connect as connectH2, type IncomingHttpHeaders } from 'node:http2';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually, localService, type LocalService, owning, RawClient } from '@berth/testing';
import { codeIn, idle, type Relay, relayTo, send, start, untilMatch } from '@berth/testing/system';

interface Lab extends AsyncDisposable {
  relay: Relay;
  auth: LocalService;
  /** what the program was asked */
  asked: IncomingMessage[];
  /** requests that have reached the service */
  reached: IncomingMessage[];
}

/** A service behind a port for whose requests a program is asked; the service says whom it got, and the sum of its body. */
async function lab(listener: RequestListener, rule: object = {}): Promise<Lab> {
  await using stack = new AsyncDisposableStack();
  const asked: IncomingMessage[] = [];
  const auth = stack.use(
    await localService((request, response) => {
      asked.push(request);
      listener(request, response);
    }),
  );
  const reached: IncomingMessage[] = [];
  const service = stack.use(
    await localService((request, response) => {
      reached.push(request);
      const digest = createHash('sha256');
      request.on('data', (bytes: Buffer) => digest.update(bytes));
      request.on('end', () => {
        response.end(JSON.stringify({ headers: request.headers, sum: digest.digest('hex') }));
      });
    }),
  );
  const sockets = new WebSocketServer({ server: service.server });
  sockets.on('connection', (socket, request) => {
    socket.send(String(request.headers['x-user']));
  });
  const forward = { forwardUrl: `http://127.0.0.1:${auth.port}/auth`, forwardHeaders: ['X-User'], ...rule };
  const relay = stack.use(
    await relayTo(service.port, {
      gateway: { policies: { '*': { auth: forward } }, ingress: { http2: { clear: true } } },
    }),
  );
  return owning({ relay, auth, asked, reached }, stack);
}

/** Lets those in that bring a cookie. */
const byCookie: RequestListener = (request, response) => {
  const user = /user=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
  if (user === undefined) response.writeHead(401, { 'Content-Type': 'text/plain', 'X-Why': 'no cookie' }).end('Who?');
  else response.writeHead(200, { 'X-User': user }).end();
};

const ANN = { Cookie: 'user=ann', 'X-User': 'root', X_User: 'root' };
const userIn = (text: string): unknown => (JSON.parse(text) as { headers: Record<string, string> }).headers['x-user'];
const sumIn = (text: string): unknown => (JSON.parse(text) as { sum: string }).sum;

describe('a port whose requests are checked by a program', () => {
  it('lets those in that it knows, and tells the service who they are', async () => {
    await using it = await lab(byCookie);
    const answer = await send(it.relay.port, { headers: ANN });
    expect([answer.status, userIn(answer.text)]).toEqual([200, 'ann']);
    expect(answer.text).not.toContain('root');
    expect(it.asked[0]?.headers).toMatchObject({ 'x-forwarded-uri': '/', 'x-forwarded-for': '127.0.0.1' });
    const refused = await send(it.relay.port);
    expect([refused.status, refused.text, refused.headers['x-why']]).toEqual([401, 'Who?', 'no cookie']);
    expect(it.reached).toHaveLength(1);
  });

  it('sends others to where the program says, with all its cookies', async () => {
    await using it = await lab((_request, response) => {
      response.writeHead(302, { Location: 'https://login.example/?next=1', 'Set-Cookie': ['a=1; Path=/', 'b=2, 3'] });
      response.end();
    });
    const { headers, status } = await send(it.relay.port);
    expect([status, headers.location, headers['set-cookie']]).toEqual([
      302,
      'https://login.example/?next=1',
      ['a=1; Path=/', 'b=2, 3'],
    ]);
  });

  it('keeps everybody out when there is no answer in time, or no program', async () => {
    await using it = await lab(() => undefined, { forwardTimeoutMs: 100 });
    const late = await send(it.relay.port);
    expect([late.status, codeIn(late.text)]).toEqual([503, 'BERTH_AUTH_UNAVAILABLE']);
    await it.auth.close();
    const gone = await send(it.relay.port);
    expect([gone.status, codeIn(gone.text), gone.headers['retry-after']]).toEqual([
      503,
      'BERTH_AUTH_UNAVAILABLE',
      expect.any(String),
    ]);
    expect(it.reached).toEqual([]);
  });

  it('takes the beginning of an answer that does not end', async () => {
    await using it = await lab((request, response) => {
      response.writeHead(request.headers.cookie === undefined ? 403 : 200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(100_000, 'x')));
        response.once('drain', more);
      };
      more();
    });
    const refused = await send(it.relay.port);
    expect([refused.status, refused.body.length]).toEqual([403, 65_536]);
    expect((await send(it.relay.port, { headers: ANN })).status).toBe(200);
  });

  it('gives the question up when its client leaves', async () => {
    let broken = 0;
    await using it = await lab((_request, response) => {
      response.on('close', () => (broken += 1));
    });
    using client = await RawClient.connect(it.relay.port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => it.asked.length === 1);
    client.destroy();
    await eventually(() => broken === 1);
    await idle(it.relay.gateway);
    expect(it.reached).toEqual([]);
  });

  it('uploads wait for it: with a body at once, or behind a 100', async () => {
    await using it = await lab(byCookie);
    const body = randomBytes(3_000_000);
    const sum = createHash('sha256').update(body).digest('hex');
    const posted = await send(it.relay.port, { method: 'POST', headers: ANN, body });
    expect([posted.status, sumIn(posted.text)]).toEqual([200, sum]);
    const waiting = start(it.relay.port, { method: 'PUT', headers: { ...ANN, Expect: '100-continue' } });
    waiting.flushHeaders();
    await once(waiting, 'continue');
    const answered = once(waiting, 'response');
    waiting.end(body);
    const [response] = (await answered) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    expect(sumIn(text)).toBe(sum);
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n';
    expect(await untilMatch(it.relay.port, head, /Who\?$/)).toMatch(/^HTTP\/1\.1 401 /);
    const refused = await send(it.relay.port, { method: 'POST', body: 'x'.repeat(50_000) });
    expect([refused.status, refused.text]).toEqual([401, 'Who?']);
    expect(it.asked.every(({ method, headers }) => method === 'GET' && headers.expect === undefined)).toBe(true);
  });

  it('upgrades are checked too', async () => {
    await using it = await lab(byCookie);
    const socket = new WebSocket(`ws://127.0.0.1:${it.relay.port}`, { headers: ANN });
    const [said] = (await once(socket, 'message')) as [Buffer];
    expect(said.toString()).toBe('ann');
    socket.terminate();
    const refused = new WebSocket(`ws://127.0.0.1:${it.relay.port}`);
    const [, answer] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage];
    let text = '';
    for await (const chunk of answer) text += String(chunk);
    expect([answer.statusCode, answer.headers['x-why'], text]).toEqual([401, 'no cookie', 'Who?']);
    refused.on('error', () => undefined).terminate();
  });

  it('clients of HTTP/2 are checked too, each of their requests', async () => {
    await using it = await lab(byCookie);
    const client = connectH2(`http://127.0.0.1:${it.relay.port}`);
    const ask = async (headers: Record<string, string>, body?: string) => {
      const stream = client.request({ ':path': '/', ':method': body === undefined ? 'GET' : 'POST', ...headers });
      let text = '';
      stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
      stream.end(body);
      const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
      await once(stream, 'end');
      return [head[':status'], text] as const;
    };
    const [status, text] = await ask({ cookie: 'a=1; user=ann', 'x-user': 'root' }, 'body');
    expect([status, userIn(text)]).toEqual([200, 'ann']);
    expect(await ask({})).toEqual([401, 'Who?']);
    expect((await ask({}, 'x'.repeat(100_000)))[0]).toBe(401);
    client.destroy();
  });

  it('a thousand at once are all checked', async () => {
    await using it = await lab((request, response) => {
      setImmediate(() => {
        byCookie(request, response);
      });
    });
    const statuses = await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => {
        const { status } = await send(it.relay.port, { headers: i % 2 === 0 ? ANN : {} });
        return status;
      }),
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(500);
    expect(statuses.filter((status) => status === 401)).toHaveLength(500);
    expect([it.asked.length, it.reached.length]).toEqual([1000, 500]);
  });

  it('a program that is asked for by itself does not go round and round', async () => {
    await using it = await lab(
      (_request, response) => {
        // Asks the port that asks it.
        httpRequest({ port: it.relay.port, host: '127.0.0.1' }, (answer) => {
          response.writeHead(answer.statusCode ?? 500).end();
          answer.resume();
        })
          .on('error', () => response.destroy())
          .end();
      },
      { forwardTimeoutMs: 500 },
    );
    const { status } = await send(it.relay.port);
    expect(status).toBe(503);
    expect(it.asked.length).toBeLessThan(2000);
  });
});
