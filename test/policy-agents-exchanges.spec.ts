import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { disposable, eventually } from '@berth/testing';
import { block, closeSocket, drop, needMore, replace } from 'berth-policy';
import { WebSocket, WebSocketServer } from 'ws';
import { behind, echo, policyAgent, type Transport } from '../apps/gateway/testing/judged-exchanges.js';

/** One POST over HTTP/2 with a trailer. @returns status, body, and the trailer of the answer */
async function over(session: ClientHttp2Session, path: string, body: string): Promise<unknown[]> {
  const stream = session.request({ ':method': 'POST', ':path': path, trailer: 'x-begin' }, { waitForTrailers: true });
  let trailer: unknown;
  stream.once('wantTrailers', () => {
    stream.sendTrailers({ 'x-begin': 't' });
  });
  stream.once('trailers', (trailers: IncomingHttpHeaders) => {
    trailer = trailers['x-end'];
  });
  stream.end(body);
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  const text = (await stream.setEncoding('utf8').toArray()).join('');
  return [head[':status'], text, trailer];
}

describe.each<Transport>(['grpc', 'unix'])('C22: exchanges past a policy agent over %s', (transport) => {
  it('are blocked and changed by their heads, and their end is told', async () => {
    const done: string[] = [];
    await using policy = await policyAgent(
      {
        onRequest: ({ path }) => (path === '/admin' ? block(403, 'not here') : undefined),
        onResponse: ({ status }) => (status === 500 ? block(502, 'hidden') : undefined),
        onComplete: ({ status, bytesSent }) => void done.push(`${status} ${bytesSent}`),
      },
      transport,
    );
    await using setup = await behind(policy.agent, (request, response) => {
      response.writeHead(request.url === '/bad' ? 500 : 200).end('from the service');
    });
    const got = [];
    for (const path of ['/', '/admin', '/bad']) {
      const response = await fetch(`${setup.url}${path}`);
      got.push([response.status, await response.text()]);
    }
    expect(got).toEqual([
      [200, 'from the service'],
      [403, 'not here'],
      [502, 'hidden'],
    ]);
    await eventually(() => done.length === 3);
    expect(done).toEqual(['200 16', '403 8', '502 6']);
  });

  it('arrive whole in both directions, however large', async () => {
    let seen = 0;
    const count = (chunk: { data: Buffer }): void => void (seen += chunk.data.length);
    await using policy = await policyAgent({ onRequestBody: count, onResponseBody: count }, transport);
    await using setup = await behind(policy.agent, echo);
    const body = randomBytes(8 * 1024 * 1024);
    const response = await fetch(setup.url, { method: 'POST', body });
    const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    expect(hash(await response.bytes())).toBe(hash(body));
    expect([seen, setup.held.bytes]).toEqual([2 * body.length, 0]);
  });

  it('are changed while they stream, where the port allows it', async () => {
    await using policy = await policyAgent(
      {
        onResponseBody: ({ text }) => (text.includes('secret') ? replace(text.replaceAll('secret', '***')) : undefined),
      },
      transport,
    );
    await using setup = await behind(
      policy.agent,
      (_request, response) => {
        response.writeHead(200, { 'content-length': '20', etag: '"1"' });
        response.write('a secret, ');
        setImmediate(() => response.end('no secret.'));
      },
      { mutableBodies: true },
    );
    const response = await fetch(setup.url);
    expect([await response.text(), response.headers.get('content-length'), response.headers.get('etag')]).toEqual([
      'a ***, no ***.',
      null,
      'W/"1"',
    ]);
  });

  it('wait for the whole body where the agent wants to see it, and their clients are asked for it', async () => {
    const reached: string[] = [];
    await using policy = await policyAgent(
      {
        onRequest: ({ method }) => (method === 'POST' ? needMore() : undefined),
        onRequestBody: ({ isLast, text }) => {
          if (text.includes('virus')) return block(422, 'found');
          return isLast ? undefined : needMore();
        },
      },
      transport,
    );
    await using setup = await behind(policy.agent, (request, response) => {
      reached.push(request.headers.expect ?? 'none');
      echo(request, response);
    });
    const post = async (body: string): Promise<[number | undefined, string, boolean]> => {
      const request = httpRequest({
        port: setup.port,
        host: '127.0.0.1',
        method: 'POST',
        headers: { expect: '100-continue' },
      });
      let asked = false;
      request.once('continue', () => {
        asked = true;
        request.end(body);
      });
      request.flushHeaders();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      return [response.statusCode, (await response.setEncoding('utf8').toArray()).join(''), asked];
    };
    expect(await post('clean')).toEqual([200, 'clean', true]);
    expect(await post('a virus')).toEqual([422, 'found', true]);
    expect(reached).toEqual(['none']);
  });

  it('are of HTTP/2, with trailers both ways, held, blocked or passed', async () => {
    const ports: number[] = [];
    await using policy = await policyAgent(
      {
        onRequest({ event, path }) {
          ports.push(event.metadata.clientPort);
          return path === '/held' ? needMore() : undefined;
        },
        onRequestBody: ({ isLast, text }) => {
          if (text.includes('virus')) return block(422, 'found');
          return isLast ? undefined : needMore();
        },
        onResponseBody: () => undefined,
      },
      transport,
    );
    await using setup = await behind(policy.agent, (request, response) => {
      response.writeHead(200, { trailer: 'x-end' });
      request.on('end', () => {
        response.addTrailers({ 'x-end': request.trailers['x-begin'] ?? 'none' });
        response.end();
      });
      request.on('data', (chunk) => response.write(chunk));
    });
    await using session = disposable(connect(setup.url), (it) => {
      it.destroy();
    });
    expect(await over(session, '/', 'clean')).toEqual([200, 'clean', 't']);
    expect(await over(session, '/held', 'x'.repeat(200_000))).toEqual([200, 'x'.repeat(200_000), 't']);
    expect(await over(session, '/held', 'a virus')).toEqual([422, 'found', undefined]);
    expect(new Set(ports)).toEqual(new Set([session.socket.localPort]));
    await (await fetch(setup.url)).text();
    expect(ports.at(-1)).toBeGreaterThan(0);
    await eventually(() => policy.agent.figures().protocol.conversations === 0);
    expect(setup.held.bytes).toBe(0);
  });

  it('are WebSockets whose messages can be dropped and closed, compressed or not', async () => {
    await using policy = await policyAgent(
      {
        onFrame: ({ text }) => {
          if (text.includes('secret')) return drop();
          return text === 'quit' ? closeSocket(4001, 'told to') : undefined;
        },
      },
      transport,
    );
    await using setup = await behind(policy.agent, echo);
    await using sockets = disposable(
      new WebSocketServer({ server: setup.service.server, perMessageDeflate: { threshold: 0 } }),
      (it) => {
        it.close();
      },
    );
    const closed: number[] = [];
    sockets.on('connection', (socket) => {
      socket.on('message', (data, isBinary) => {
        socket.send(data, { binary: isBinary });
      });
      socket.on('close', (code) => closed.push(code));
    });
    for (const perMessageDeflate of [{ threshold: 0 }, false]) {
      await using socket = disposable(new WebSocket(`ws://127.0.0.1:${setup.port}`, { perMessageDeflate }), (it) => {
        it.terminate();
      });
      const got: string[] = [];
      socket.on('message', (data: Buffer) => got.push(String(data)));
      await once(socket, 'open');
      expect(socket.extensions).toBe(perMessageDeflate === false ? '' : 'permessage-deflate');
      for (const text of ['hello', 'a secret', 'hello again', 'x'.repeat(100_000)]) socket.send(text);
      await eventually(() => got.length === 3);
      expect(got.map((text) => text.slice(0, 11))).toEqual(['hello', 'hello again', 'xxxxxxxxxxx']);
      socket.send('quit');
      const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
      expect([code, String(reason)]).toEqual([4001, 'told to']);
    }
    await eventually(() => closed.length === 2 && policy.agent.figures().protocol.conversations === 0);
    expect(closed).toEqual([4001, 4001]);
  });

  it('are refused while an agent that fails closed is away, and pass one that fails open', async () => {
    for (const failMode of ['closed', 'open'] as const) {
      await using policy = await policyAgent({ onRequest: () => undefined }, transport, { failMode, timeoutMs: 500 });
      await using setup = await behind(policy.agent, echo);
      expect((await fetch(setup.url)).status).toBe(200);
      await policy.program.close();
      const response = await fetch(setup.url);
      if (failMode === 'open') expect(response.status).toBe(200);
      else {
        expect([response.status, response.headers.get('retry-after')]).toEqual([503, expect.any(String)]);
        expect(await response.json()).toMatchObject({ error: { code: 'BERTH_POLICY_UNAVAILABLE' } });
      }
    }
  });
});
