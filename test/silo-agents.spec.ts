import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { Client, credentials, Metadata, status as Grpc, type StatusObject } from '@grpc/grpc-js';
import { WebSocket } from 'ws';
import { AgentRegistry } from 'berth-gateway';
import { encodeProxyHead, passBuffer, ProxyType, SILO_METHOD_PATH } from '@berth/tunnel-protocol';
import { disposable, eventually, listening, owning, RawClient } from '@berth/testing';
import {
  codeIn,
  listAgents,
  logLines,
  RawAgent,
  send,
  SiloAgent,
  siloMessage,
  type SiloMessage,
  start,
  TestCa,
  type TestGateway,
  testGateway,
  untilMatch,
} from '@berth/testing/system';

const LIMIT = 4_194_304;
const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

describe('agents of the original kind', () => {
  const serve = async (silo: object = {}, tunnel: object = {}): Promise<TestGateway> =>
    await testGateway({ tunnel: { ...tunnel, silo: { enabled: true, ...silo } } });

  const registered = async (
    gateway: TestGateway,
    id = 'agent-1',
  ): Promise<{ agent: SiloAgent; port: number } & AsyncDisposable> => {
    await using stack = new AsyncDisposableStack();
    const agent = stack.adopt(await SiloAgent.registered(gateway.grpcPort, id), (it) => it.close());
    return owning({ agent, port: gateway.app.get(AgentRegistry).get(id)?.port ?? 0 }, stack);
  };

  const echo = (agent: SiloAgent) => (request: SiloMessage) => {
    agent.answer(request, { body: request.payload, headers: { 'X-Query': request.metadata['query'] ?? '' } });
  };

  it('A20: is registered by its first PING, and each PING has its PONG', async () => {
    await using gateway = await serve();
    await using setup = await registered(gateway);
    const { agent, port } = setup;
    expect(agent.pongs).toMatchObject([{ id: expect.stringMatching(UUID), metadata: {}, payload: Buffer.alloc(0) }]);
    expect(await listAgents(gateway)).toMatchObject([{ agent_id: 'agent-1', port, connections: 1 }]);
    for (let i = 0; i < 3; i += 1) agent.ping();
    await eventually(() => agent.pongs.length === 4);
    expect(new Set(agent.pongs.map(({ id }) => id)).size).toBe(4);
    agent.close();
    await eventually(async () => (await listAgents(gateway)).length === 0);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });

  it('A20: gets a request as one message, and its answer goes back as it is', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await registered(stack.use(await serve()));
    const { agent, port } = setup;
    const answer = send(port, {
      method: 'POST',
      path: '/a%2Fb?c=%20d',
      headers: ['Host', 'x.example', 'Content-Type', 'multipart/form-data; boundary=b', 'X-One', '1', 'x-one', '2'],
      body: 'body',
    });
    const request = await agent.request();
    expect(request).toMatchObject({ id: expect.stringMatching(UUID), type: 'REQUEST' });
    expect(String(request.payload)).toBe('body');
    expect(request.metadata).toMatchObject({
      method: 'POST',
      path: '/a%2Fb',
      query: 'c=%20d',
      content_type: 'multipart/form-data; boundary=b',
      'header_Content-Type': 'multipart/form-data; boundary=b',
      'header_X-One': '1, 2',
      'header_X-Forwarded-Host': 'x.example',
    });
    const names = Object.keys(request.metadata).map((key) => key.toLowerCase());
    for (const name of ['host', 'content-length', 'connection', 'transfer-encoding'])
      expect(names).not.toContain(`header_${name}`);
    agent.answer(request, {
      status: 201,
      headers: { 'X-Two': 'two', Connection: 'close, X-Hop', 'X-Hop': 'gone', 'Content-Length': '3' },
      body: 'answer',
    });
    expect(await answer).toMatchObject({ status: 201, text: 'answer' });
    expect((await answer).headers).toMatchObject({ 'x-two': 'two', 'content-length': '6' });
    expect((await answer).headers).not.toHaveProperty('x-hop');
  });

  it('A20: answers HEAD without a body and with its length', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await registered(stack.use(await serve()));
    const { agent, port } = setup;
    const answer = send(port, { method: 'HEAD' });
    agent.answer(await agent.request(), { headers: { 'Content-Length': '1234' } });
    expect(await answer).toMatchObject({ status: 200, text: '', headers: { 'content-length': '1234' } });
  });

  it('A20: 1,000 requests side by side have their own answers', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await registered(stack.use(await serve({ maxExchanges: 1000 })));
    const { agent, port } = setup;
    const requests: SiloMessage[] = [];
    agent.onRequest = (request) => {
      requests.push(request);
      // In another order than they came, once all are there.
      if (requests.length === 1000) for (const it of requests.reverse()) echo(agent)(it);
    };
    await using client = disposable(new HttpAgent({ keepAlive: true, maxSockets: 1000 }), (it) => {
      it.destroy();
    });
    const answers = await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => {
        const body = createHash('sha256')
          .update(String(i))
          .digest('hex')
          .repeat(1 + (i % 32));
        const path = `/?${i}`;
        const answer = await send(port, { method: 'POST', path, body, agent: client });
        return answer.status === 200 && answer.text === body && answer.headers['x-query'] === String(i);
      }),
    );
    expect(answers.filter((right) => right)).toHaveLength(1000);
    expect(new Set(requests.map(({ id }) => id)).size).toBe(1000);
  });

  it('A20: its own 502 is the answer, without what it says of its network', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await registered(stack.use(await serve()));
    const { agent, port } = setup;
    const answer = send(port);
    agent.fail(await agent.request(), 'dial tcp 10.1.2.3:80: connection refused');
    expect((await answer).status).toBe(502);
    expect(codeIn((await answer).text)).toBe('BERTH_LOCAL_SERVICE_FAILED');
    expect((await answer).text).not.toContain('10.1.2.3');
    // A 502 of the service itself is passed on.
    const second = send(port);
    agent.answer(await agent.request(), { status: 502, body: 'of the service' });
    expect(await second).toMatchObject({ status: 502, text: 'of the service' });
  });

  it.each([
    ['no status_code', {}],
    ['a status_code that is none', { status_code: 'ok' }],
    ['an interim status', { status_code: '101' }],
    ['a line break in a header', { status_code: '200', 'header_X-A': 'a\r\nX-Evil: 1' }],
    ['a header name that is none', { status_code: '200', 'header_X A': 'a' }],
    ['headers larger than a head', { status_code: '200', 'header_X-A': 'a'.repeat(100_000) }],
  ])('an answer with %s costs that request: 502', async (_name, metadata) => {
    await using stack = new AsyncDisposableStack();
    await using setup = await registered(stack.use(await serve()));
    const { agent, port } = setup;
    const answer = send(port);
    const { id } = await agent.request();
    agent.send({ id, type: 'RESPONSE', metadata });
    expect((await answer).status).toBe(502);
    expect(codeIn((await answer).text)).toBe('BERTH_BAD_AGENT_RESPONSE');
    agent.onRequest = echo(agent);
    expect(await send(port)).toMatchObject({ status: 200 });
  });

  it('answers twice, late, under ids that nobody knows or as nothing known: nobody is disturbed', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await registered(stack.use(await serve()));
    const { agent, port } = setup;
    const first = send(port);
    const request = await agent.request();
    agent.answer({ ...request, id: 'unknown' }, { body: 'wrong' });
    agent.answer({ ...request, id: '' }, { body: 'wrong' });
    agent.answer({ ...request, id: '__proto__' }, { body: 'wrong' });
    agent.send({ id: request.id, type: 'UNKNOWN' });
    agent.send({ id: request.id, type: 'REQUEST' });
    agent.send({ id: request.id, type: 'PONG' });
    agent.answer(request, { body: 'right' });
    agent.answer(request, { body: 'twice' });
    expect((await first).text).toBe('right');
    const gone = start(port);
    gone.on('error', () => undefined);
    gone.end();
    const late = await agent.request();
    gone.destroy();
    const next = send(port);
    const nextRequest = await agent.request();
    agent.answer(late, { body: 'too late' });
    agent.answer(nextRequest, { body: 'right again' });
    expect((await next).text).toBe('right again');
  });

  it('a connection that ends takes its requests with it, and the agent that comes again has its port', async () => {
    await using gateway = await serve();
    await using setup = await registered(gateway);
    const { agent, port } = setup;
    const pending = [send(port), send(port, { method: 'POST', body: 'x' })];
    const left = await agent.request();
    await agent.request();
    agent.close();
    for (const answer of pending) expect((await answer).status).toBe(502);
    await eventually(async () => (await listAgents(gateway)).length === 0);
    await using stack = new AsyncDisposableStack();
    const again = stack.use(await registered(gateway));
    expect(again.port).toBe(port);
    // Its queue of answers outlived the connection.
    again.agent.answer(left, { body: 'from before' });
    again.agent.onRequest = echo(again.agent);
    expect(await send(port, { method: 'POST', body: 'now' })).toMatchObject({ status: 200, text: 'now' });
  });

  it('A11: another stream with its id is refused while it lives, or replaces it, as tunnel.duplicateAgent says', async () => {
    await using probing = await serve();
    await using setup = await registered(probing);
    const { agent, port } = setup;
    using second = new SiloAgent(probing.grpcPort).hello('agent-1');
    expect(await second.status).toMatchObject({
      code: Grpc.ALREADY_EXISTS,
      details: expect.stringContaining('another process'),
    });
    agent.onRequest = echo(agent);
    expect((await send(port)).status).toBe(200);

    await using replacing = await serve({}, { duplicateAgent: 'replace' });
    await using stack = new AsyncDisposableStack();
    const old = stack.use(await registered(replacing));
    const next = stack.use(await registered(replacing));
    expect(next.port).toBe(old.port);
    expect((await old.agent.status).code).toBe(Grpc.ABORTED);
    next.agent.onRequest = echo(next.agent);
    expect((await send(next.port)).status).toBe(200);
  });

  it.each([
    ['no agent_id', siloMessage({ type: 'PING' }), Grpc.INVALID_ARGUMENT],
    ['an id that is none', siloMessage({ type: 'PING', metadata: { agent_id: '../x' } }), Grpc.INVALID_ARGUMENT],
  ])('a first message with %s is refused', async (_name, message, code) => {
    await using stack = new AsyncDisposableStack();
    using agent = new SiloAgent(stack.use(await serve()).grpcPort);
    agent.send(message);
    expect((await agent.status).code).toBe(code);
  });

  it('whoever says nothing, or much without an id, is held to the bounds of all strangers', async () => {
    await using gateway = await serve({}, { handshakeTimeoutMs: 200 });
    using silent = new SiloAgent(gateway.grpcPort);
    expect((await silent.status).code).toBe(Grpc.DEADLINE_EXCEEDED);
    using flood = new SiloAgent(gateway.grpcPort);
    flood.send({ type: 'PING', payload: Buffer.alloc(1_000_000) });
    expect([Grpc.INVALID_ARGUMENT, Grpc.UNAVAILABLE]).toContain((await flood.status).code);
    expect(await listAgents(gateway)).toEqual([]);
    await using setup = await registered(gateway);
    expect(setup.port).toBeGreaterThan(0);
  });

  it('a flood of PINGs is answered as fast as it is read, and no other agent notices', async () => {
    await using gateway = await serve();
    await using setup = await registered(gateway);
    await using other = await registered(gateway, 'other');
    other.agent.onRequest = echo(other.agent);
    for (let i = 0; i < 5000; i += 1) setup.agent.ping();
    expect((await send(other.port)).status).toBe(200);
    await eventually(() => setup.agent.pongs.length === 5001, 10_000);
  });

  it('garbage ends that connection and no other', async () => {
    await using gateway = await serve();
    await using setup = await registered(gateway);
    const { agent, port } = setup;
    await using client = disposable(
      new Client(`127.0.0.1:${gateway.grpcPort}`, credentials.createInsecure(), {
        'grpc.use_local_subchannel_pool': 1,
      }),
      (it) => {
        it.close();
      },
    );
    const bad = client.makeBidiStreamRequest(SILO_METHOD_PATH, passBuffer, passBuffer, new Metadata());
    bad.on('error', () => undefined);
    bad.write(encodeProxyHead('1', ProxyType.ping, ['agent_id', 'bad']));
    const badPort = await eventually(() => gateway.app.get(AgentRegistry).get('bad')?.port);
    const pending = send(badPort, { method: 'POST', body: 'x' });
    await eventually(() => gateway.app.get(AgentRegistry).get('bad')?.connections.inFlight === 1);
    const ended = new Promise<StatusObject>((resolve) => bad.on('status', resolve));
    bad.resume();
    bad.write(Buffer.from('\xff\xff\xff garbage', 'latin1'));
    expect((await ended).code).toBe(Grpc.INVALID_ARGUMENT);
    expect((await pending).status).toBe(502);
    agent.onRequest = echo(agent);
    expect((await send(port)).status).toBe(200);
  });

  it('carries bodies up to its limit, and says 413 to longer ones before anything is sent', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await registered(stack.use(await serve()));
    const { agent, port } = setup;
    agent.onRequest = echo(agent);
    const most = LIMIT - 1024;
    const body = Buffer.alloc(most, 'x');
    expect((await send(port, { method: 'POST', body })).body.equals(body)).toBe(true);
    let seen = 0;
    agent.onRequest = () => (seen += 1);
    // By its length, and one whose length shows only when it is too long.
    const announced = await send(port, { method: 'POST', headers: { 'Content-Length': String(LIMIT) }, body: '' });
    const chunked = start(port, { method: 'POST', headers: { 'Transfer-Encoding': 'chunked' } });
    chunked.on('error', () => undefined);
    const head = once(chunked, 'response') as Promise<[NodeJS.ReadableStream & { statusCode: number }]>;
    chunked.write(Buffer.alloc(LIMIT));
    expect(announced.status).toBe(413);
    expect(codeIn(announced.text)).toBe('BERTH_BODY_TOO_LARGE');
    expect((await head)[0].statusCode).toBe(413);
    chunked.destroy();
    expect(seen).toBe(0);
  });

  it('asks for the body itself when a client waits for 100 Continue', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await registered(stack.use(await serve()));
    const { agent, port } = setup;
    agent.onRequest = echo(agent);
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n';
    using client = await RawClient.connect(port);
    client.send(head);
    await eventually(() => client.text() === 'HTTP/1.1 100 Continue\r\n\r\n');
    client.send('body');
    await eventually(() => client.text().endsWith('\r\n\r\nbody'));
  });

  it('says 501 to upgrades and to targets without a path', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await registered(stack.use(await serve()));
    const { agent, port } = setup;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [
      unknown,
      { statusCode: number; resume(): void },
    ];
    response.resume();
    expect(response.statusCode).toBe(501);
    socket.terminate();
    await untilMatch(port, 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1.1 501 [^]*BERTH_UNSUPPORTED_EXCHANGE/);
    expect(agent.requests).toEqual([]);
  });

  it('a larger answer than the gateway takes ends the connection, not the gateway', async () => {
    await using gateway = await serve({ maxAnswerBytes: LIMIT });
    await using setup = await registered(gateway);
    const { agent, port } = setup;
    const answer = send(port, { method: 'POST', body: 'x' });
    agent.answer(await agent.request(), { body: Buffer.alloc(LIMIT + 1) });
    expect((await answer).status).toBe(502);
    expect((await agent.status).code).toBe(Grpc.RESOURCE_EXHAUSTED);
    await using stack = new AsyncDisposableStack();
    const again = stack.use(await registered(gateway));
    again.agent.onRequest = echo(again.agent);
    expect((await send(again.port)).status).toBe(200);
  });

  it('an agent of a tunnel may send no more at once than without them', async () => {
    await using stack = new AsyncDisposableStack();
    using raw = await RawAgent.registered(stack.use(await serve()).grpcPort, 'tunnel');
    // Pings in a batch that is right in all but its size.
    raw.call.write(Buffer.from('\x0a\x05\x9a\x01\x02\x08\x01'.repeat(30_000), 'latin1'));
    expect((await raw.status).code).toBe(Grpc.INVALID_ARGUMENT);
  });

  it('answers above maxBufferedBytes are not read from the agent until clients take them, and no other agent notices', async () => {
    await using gateway = await serve({ maxBufferedBytes: LIMIT, maxAnswerBytes: 32_000_000 });
    await using setup = await registered(gateway);
    const { agent, port } = setup;
    await using stack = new AsyncDisposableStack();
    const other = stack.use(await registered(gateway, 'other'));
    other.agent.onRequest = echo(other.agent);
    // More than the kernel takes of it for a client that reads nothing.
    const body = Buffer.alloc(24_000_000, 'x');
    agent.onRequest = (request) => {
      agent.answer(request, { body });
    };
    const clients: RawClient[] = [];
    for (let i = 0; i < 4; i += 1) {
      const client = stack.use(await RawClient.connect(port));
      client.socket.pause();
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      clients.push(client);
    }
    const it = gateway.app.get(AgentRegistry).get('agent-1');
    await eventually(() => it?.stats.bytesOut === body.length);
    // Later requests of another agent are through while nothing moves here.
    for (let i = 0; i < 20; i += 1) expect((await send(other.port)).status).toBe(200);
    expect(it?.stats.bytesOut).toBe(body.length);
    expect(it?.connections.inFlight).toBe(3);
    for (const client of clients) client.socket.resume();
    await eventually(() => it?.stats.bytesOut === 4 * body.length, 15_000);
    await eventually(() => it?.connections.inFlight === 0);
  });

  it('more requests than maxExchanges, or than fit into maxBufferedBytes, are answered with 503', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await registered(stack.use(await serve({ maxExchanges: 2, maxBufferedBytes: LIMIT })));
    const { agent, port } = setup;
    const running = [send(port), send(port)];
    const requests = [await agent.request(), await agent.request()];
    const third = await send(port);
    expect(third).toMatchObject({ status: 503, headers: { 'retry-after': expect.any(String) } });
    expect(codeIn(third.text)).toBe('BERTH_AGENT_BUSY');
    for (const request of requests) agent.answer(request);
    for (const answer of running) expect((await answer).status).toBe(200);
    const upload = start(port, { method: 'POST', headers: { 'Content-Length': '4000000' } });
    upload.on('error', () => undefined);
    upload.write('x');
    const second = await eventually(async () => {
      const answer = await send(port, { method: 'POST', body: Buffer.alloc(1_000_000) });
      return answer.status === 503 ? answer : undefined;
    });
    expect(codeIn(second.text)).toBe('BERTH_AGENT_BUSY');
    upload.destroy();
    agent.onRequest = echo(agent);
    await eventually(async () => (await send(port, { method: 'POST', body: Buffer.alloc(1_000_000) })).status === 200);
  });

  it('passes on the one Set-Cookie there is, and warns once', async () => {
    const { log, lines } = logLines();
    await using gateway = await testGateway({ tunnel: { silo: { enabled: true } } }, 4, log);
    await using setup = await registered(gateway);
    const { agent, port } = setup;
    agent.onRequest = (request) => agent.answer(request, { headers: { 'Set-Cookie': 'a=1; Path=/' } });
    for (let i = 0; i < 3; i += 1) expect((await send(port)).headers['set-cookie']).toEqual(['a=1; Path=/']);
    expect(lines.filter(({ msg }) => msg.includes('Set-Cookie'))).toHaveLength(1);
  });

  it('is let go in order: what runs may end, and it may come again', async () => {
    await using gateway = await serve();
    await using setup = await registered(gateway);
    const { agent, port } = setup;
    const running = send(port);
    const request = await agent.request();
    const deleted = await fetch(`${gateway.admin}/agents/agent-1`, { method: 'DELETE' });
    expect(deleted.ok).toBe(true);
    expect((await send(port)).status).toBe(503);
    agent.answer(request, { body: 'in time' });
    expect((await running).text).toBe('in time');
    expect((await agent.status).code).toBe(Grpc.OK);
    await using stack = new AsyncDisposableStack();
    expect(stack.use(await registered(gateway)).port).toBe(port);
  });

  describe('whose network is gone', () => {
    /** A way to the gateway that can stop: nothing comes through from then on, and nothing ends. */
    const wayTo = async (gateway: TestGateway): Promise<{ port: number; stop: () => void } & AsyncDisposable> => {
      await using stack = new AsyncDisposableStack();
      const sockets: Socket[] = [];
      const server = createServer((socket) => {
        const onward = connect(gateway.grpcPort, '127.0.0.1');
        sockets.push(socket, onward);
        for (const it of [socket, onward]) it.on('error', () => undefined);
        socket.pipe(onward).pipe(socket);
      });
      const { port } = stack.use(await listening(server));
      stack.defer(() => {
        for (const socket of sockets) socket.destroy();
      });
      const stop = (): void => {
        for (const socket of sockets) socket.unpipe();
      };
      return owning({ port, stop }, stack);
    };

    it('A12: is dropped by an HTTP/2 PING', async () => {
      await using gateway = await serve({}, { pingIntervalMs: 50, pingTimeoutMs: 100 });
      await using way = await wayTo(gateway);
      using agent = await SiloAgent.registered(way.port);
      const pending = send(gateway.range.start, { method: 'POST', body: 'x' });
      await agent.request();
      way.stop();
      expect((await pending).status).toBe(502);
      await eventually(async () => (await listAgents(gateway)).length === 0);
    });

    it('A11: gives way to the stream that comes with its id', async () => {
      await using gateway = await serve({}, { duplicateProbeMs: 100 });
      await using way = await wayTo(gateway);
      using before = await SiloAgent.registered(way.port);
      const pending = send(gateway.range.start, { method: 'POST', body: 'x' });
      await before.request();
      way.stop();
      await using setup = await registered(gateway);
      setup.agent.onRequest = echo(setup.agent);
      expect((await pending).status).toBe(502);
      expect((await send(gateway.range.start)).status).toBe(200);
    });
  });
});

describe('who may be an agent of the original kind', () => {
  it('nobody, as long as tunnel.silo.enabled is not set', async () => {
    const { log, lines } = logLines();
    await using gateway = await testGateway({}, 4, log);
    using agent = new SiloAgent(gateway.grpcPort).hello('agent-1');
    expect(await agent.status).toMatchObject({ code: Grpc.FAILED_PRECONDITION });
    await eventually(() => lines.some(({ reason }) => String(reason).includes('tunnel.silo.enabled')));
  });

  it('nobody without a certificate where a token is asked for, unless tunnel.silo.insecure is set', async () => {
    await using stack = new AsyncDisposableStack();
    for (const insecure of [false, true]) {
      const gateway = stack.use(
        await testGateway({ auth: { token: 'secret' }, tunnel: { silo: { enabled: true, insecure } } }),
      );
      const agent = stack.use(new SiloAgent(gateway.grpcPort).hello('agent-1'));
      if (insecure) await eventually(() => agent.pongs.length === 1);
      else expect(await agent.status).toMatchObject({ code: Grpc.UNAUTHENTICATED });
    }
  });
});

describe('agents of the original kind with client certificates', () => {
  const ca = new TestCa();
  afterAll(() => {
    ca.remove();
  });

  it.each(['request', 'require'] as const)(
    'A15, A20: %s: who has one for its id is let in, token or not',
    async (clientCert) => {
      const tls = { enabled: true, ...ca.issue('gateway', 'IP:127.0.0.1'), caFile: ca.caFile, clientCert };
      await using gateway = await testGateway({
        grpc: { tls },
        auth: { token: 'secret' },
        tunnel: { silo: { enabled: true } },
      });
      const { keyFile, certFile } = ca.issue('agent-1');
      const [root, key, certificate] = [ca.caFile, keyFile, certFile].map((file) => readFileSync(file));
      const channel = credentials.createSsl(root, key, certificate);
      await using stack = new AsyncDisposableStack();
      stack.adopt(await SiloAgent.registered(gateway.grpcPort, 'agent-1', channel), (it) => it.close());
      using other = new SiloAgent(gateway.grpcPort, channel).hello('agent-2');
      expect((await other.status).code).toBe(Grpc.PERMISSION_DENIED);
      await using none = disposable(
        new SiloAgent(gateway.grpcPort, credentials.createSsl(root)).hello('agent-3'),
        (it) => it.close(),
      );
      const { code } = await none.status;
      expect(code).toBe(clientCert === 'require' ? Grpc.UNAVAILABLE : Grpc.UNAUTHENTICATED);
    },
  );
});
