import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import type { OpenHead } from '@berth/exchange';
import { eventually, listening, localService, settled } from '@berth/testing';
import { FakeClient, FakePool, fakeRequest } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import { ruleLab } from '../../../testing/rule-lab.js';
import { policyOf } from '../policy-schema.js';
import { MAX_BODY_BYTES } from './auth-question.js';
import { forwardAuth } from './forward-auth.js';

class Client extends FakeClient {
  body = 0;
  headers: string[] = [];

  override head(head: Parameters<FakeClient['head']>[0]): void {
    this.calls.push(`head ${head.status}`);
    this.headers = head.headers;
  }

  override data(bytes: Buffer): void {
    this.body += bytes.length;
  }

  get isDone(): boolean {
    return this.calls.length > 0;
  }
}

/** Asks for requests through the rule. */
function checking(port: number, over: { timeoutMs?: number; forwardHeaders?: string[]; path?: string } = {}) {
  const { timeoutMs = 5000, forwardHeaders = [], path = '/check?a=b' } = over;
  const policy = policyOf([
    { path: 'auth.forwardUrl', value: `http://127.0.0.1:${port}${path}` },
    { path: 'auth.forwardTimeoutMs', value: timeoutMs },
    { path: 'auth.forwardHeaders', value: forwardHeaders },
  ]);
  const context = ruleLab(true);
  const pool = new FakePool();
  const dispatch = forwardAuth.make(policy, context)?.(pool.dispatch) ?? pool.dispatch;
  const begin = (head: Partial<OpenHead> = {}): Client => {
    const client = new Client();
    dispatch(fakeRequest(head), client);
    return client;
  };
  const ask = async (head: Partial<OpenHead> = {}): Promise<Client> => {
    const client = begin(head);
    await eventually(() => client.isDone);
    return client;
  };
  return { pool, begin, ask };
}

/** A program that says who may pass, and what it was asked. */
async function program(listener: RequestListener) {
  const asked: IncomingMessage[] = [];
  const service = await localService((request, response) => {
    asked.push(request);
    listener(request, response);
  });
  return Object.assign(service, { asked });
}

describe('a check by an outside program', () => {
  it('is a GET with the headers of the client, and with what only Berth may say', async () => {
    await using auth = await program((_request, response) => response.end());
    const { ask, pool } = checking(auth.port);
    const own = ['Cookie', 'a=1', 'Accept', 'text/html', 'Sec-Fetch-Mode', 'navigate', 'X-Twice', '1', 'X-Twice', '2'];
    const forged = [
      'X-Forwarded-For',
      '6.6.6.6',
      'X_Forwarded_Uri',
      '/',
      'X-Original-URL',
      '/',
      'X-Real-IP',
      '6.6.6.6',
    ];
    const ofBody = ['Content-Type', 'text/plain', 'Content-Length', '5', 'Expect', '100-continue'];
    const ofCache = ['If-None-Match', '"1"', 'If-Modified-Since', 'x', 'Range', 'bytes=0-1'];
    const headers = ['Host', 'h.example', ...own, ...forged, ...ofBody, ...ofCache];
    const client = await ask({ method: 'POST', target: '/t?u', headers, body: true });
    expect(client.calls).toEqual(['opened']);
    expect([auth.asked[0]?.method, auth.asked[0]?.url]).toEqual(['GET', '/check?a=b']);
    expect(auth.asked[0]?.rawHeaders).toEqual([
      ...['Host', `127.0.0.1:${auth.port}`],
      ...own,
      ...['X-Forwarded-Method', 'POST', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'h.example'],
      ...['X-Forwarded-Uri', '/t?u', 'X-Forwarded-For', '192.0.2.1', 'Connection', 'keep-alive'],
    ]);
    expect(pool.requests[0]?.openHead.headers).toEqual(headers);
  });

  it('tells the service who it is; nobody else does', async () => {
    await using auth = await program((_request, response) => {
      response.writeHead(204, ['X-User', 'ann \u00e9', 'X-Group', 'a', 'X-Group', 'b', 'X-Other', 'no']).end();
    });
    const { ask, pool } = checking(auth.port, { forwardHeaders: ['X-User', 'X-Group', 'X-None'] });
    await ask({ headers: ['Host', 'a', 'x-user', 'eve', 'X_USER', 'eve', 'X-None', 'eve', 'X-Own', '1'] });
    expect(pool.requests[0]?.openHead.headers).toEqual([
      ...['Host', 'a', 'X-Own', '1', 'X-User', 'ann \u00e9', 'X-Group', 'a', 'X-Group', 'b'],
    ]);
  });

  it('is the answer where it is not 2xx, with its lines as they are', async () => {
    await using auth = await program((_request, response) => {
      response.writeHead(302, [
        'Location',
        '/login',
        'Set-Cookie',
        'a=1, x',
        'Set-Cookie',
        'b=2',
        'Connection',
        'close',
      ]);
      response.end('go there');
    });
    const { ask, pool } = checking(auth.port);
    const client = await ask();
    expect([client.calls, client.body]).toEqual([['head 302', 'end'], 8]);
    expect(client.headers.slice(0, 6)).toEqual(['Location', '/login', 'Set-Cookie', 'a=1, x', 'Set-Cookie', 'b=2']);
    expect(client.headers.slice(6, 9)).toEqual(['Content-Length', '8', 'Date']);
    const head = await ask({ method: 'HEAD' });
    expect([head.calls, head.body, head.headers[7]]).toEqual([['head 302', 'end'], 0, '8']);
    expect(pool.requests).toEqual([]);
  });

  it.each([200, 401])('reads no more than it may of an answer with %d', async (status) => {
    let socket: Socket | undefined;
    await using auth = await program((request, response) => {
      ({ socket } = request);
      response.writeHead(status);
      const chunk = Buffer.alloc(65_536, 'x');
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        response.once('drain', more);
      };
      more();
    });
    const client = await checking(auth.port).ask();
    expect([client.calls, client.body]).toEqual(
      status === 200 ? [['opened'], 0] : [['head 401', 'end'], MAX_BODY_BYTES],
    );
    await eventually(() => socket?.destroyed);
    expect(socket?.bytesWritten).toBeLessThan(20_000_000);
  });

  it('keeps a request out when the program does not answer in time, breaks off, or is not there', async () => {
    await using silent = await program(() => undefined);
    const late = await checking(silent.port, { timeoutMs: 50 }).ask();
    await using slow = await program((_request, response) => response.writeHead(401).write('x'));
    const halfway = await checking(slow.port, { timeoutMs: 50 }).ask();
    await using breaking = await program((request) => request.socket.resetAndDestroy());
    const broken = await checking(breaking.port).ask();
    await using garbage = await listening(createTcpServer((socket) => socket.end('SSH-2.0-x\r\n')));
    const odd = await checking(garbage.port).ask();
    await using switching = await listening(createServer());
    switching.server.on('request', (_request, response) => {
      response.socket?.end('HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    });
    const other = await checking(switching.port).ask();
    const { port } = garbage;
    await garbage.close();
    const gone = await checking(port).ask();
    for (const client of [late, halfway, broken, odd, other, gone])
      expect(client.calls).toEqual(['failed BERTH_AUTH_UNAVAILABLE']);
  });

  it('keeps a request out that has a header which cannot be sent', async () => {
    await using auth = await program((_request, response) => response.end());
    const client = await checking(auth.port).ask({ headers: ['Host', 'a', 'X', '\u0001'] });
    expect([client.calls, auth.asked]).toEqual([['failed BERTH_AUTH_UNAVAILABLE'], []]);
  });

  it('is broken off when the client leaves, and nothing is opened', async () => {
    let broken = 0;
    await using auth = await program((_request, response) => {
      response.on('close', () => (broken += 1));
    });
    const { begin, pool } = checking(auth.port, { timeoutMs: 300 });
    const client = begin();
    await eventually(() => auth.asked.length === 1);
    client.wait?.cancel();
    await eventually(() => broken === 1);
    // One that leaves before anything was sent.
    begin().wait?.cancel();
    const last = await checking(auth.port, { timeoutMs: 400 }).ask();
    expect([client.calls, pool.requests, last.calls]).toEqual([[], [], ['failed BERTH_AUTH_UNAVAILABLE']]);
  });

  it('is asked on connections that stay, and once more where one has just been closed', async () => {
    await using auth = await program((_request, response) => response.end('ok'));
    const sockets: Socket[] = [];
    auth.server.on('connection', (socket) => sockets.push(socket));
    const { ask } = checking(auth.port);
    for (let i = 0; i < 5; i += 1) {
      expect((await ask()).calls).toEqual(['opened']);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sockets).toHaveLength(1);
    auth.server.removeAllListeners('request');
    auth.server.once('request', (request) => {
      // As when it was closed before the question came.
      request.socket.destroy();
      auth.server.on('request', (_request, response) => response.end());
    });
    expect((await ask()).calls).toEqual(['opened']);
    expect(sockets).toHaveLength(2);
  });

  it('has so many questions under way at a time, and the rest in time', async () => {
    const held: (() => void)[] = [];
    let holds = true;
    await using auth = await program((_request, response) => {
      if (holds) held.push(() => response.end());
      else response.end();
    });
    const { ask, pool } = checking(auth.port, { timeoutMs: 20_000 });
    const all = Promise.all(Array.from({ length: 1000 }, () => ask()));
    await eventually(() => held.length > 0);
    expect(await settled(() => held.length)).toBe(128);
    holds = false;
    for (const go of held) go();
    await all;
    expect(pool.exchanges).toHaveLength(1000);
  });
});
