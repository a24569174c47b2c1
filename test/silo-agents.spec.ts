import { createHash } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { status as Grpc } from '@grpc/grpc-js';
import { disposable, eventually } from '@berth/testing';
import {
  siloEcho,
  siloGateway,
  siloRegistered,
  codeIn,
  listAgents,
  send,
  SiloAgent,
  siloMessage,
  type SiloMessage,
  start,
} from '@berth/testing/system';

const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

describe('agents of the original kind', () => {
  it('A20: is registered by its first PING, and each PING has its PONG', async () => {
    await using gateway = await siloGateway();
    await using setup = await siloRegistered(gateway);
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
    await using setup = await siloRegistered(stack.use(await siloGateway()));
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
    await using setup = await siloRegistered(stack.use(await siloGateway()));
    const { agent, port } = setup;
    const answer = send(port, { method: 'HEAD' });
    agent.answer(await agent.request(), { headers: { 'Content-Length': '1234' } });
    expect(await answer).toMatchObject({ status: 200, text: '', headers: { 'content-length': '1234' } });
  });

  it('A20: 1,000 requests side by side have their own answers', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await siloRegistered(stack.use(await siloGateway({ maxExchanges: 1000 })));
    const { agent, port } = setup;
    const requests: SiloMessage[] = [];
    agent.onRequest = (request) => {
      requests.push(request);
      // In another order than they came, once all are there.
      if (requests.length === 1000) for (const it of requests.reverse()) siloEcho(agent)(it);
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
    await using setup = await siloRegistered(stack.use(await siloGateway()));
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
    await using setup = await siloRegistered(stack.use(await siloGateway()));
    const { agent, port } = setup;
    const answer = send(port);
    const { id } = await agent.request();
    agent.send({ id, type: 'RESPONSE', metadata });
    expect((await answer).status).toBe(502);
    expect(codeIn((await answer).text)).toBe('BERTH_BAD_AGENT_RESPONSE');
    agent.onRequest = siloEcho(agent);
    expect(await send(port)).toMatchObject({ status: 200 });
  });

  it('answers twice, late, under ids that nobody knows or as nothing known: nobody is disturbed', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await siloRegistered(stack.use(await siloGateway()));
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
    await using gateway = await siloGateway();
    await using setup = await siloRegistered(gateway);
    const { agent, port } = setup;
    const pending = [send(port), send(port, { method: 'POST', body: 'x' })];
    const left = await agent.request();
    await agent.request();
    agent.close();
    for (const answer of pending) expect((await answer).status).toBe(502);
    await eventually(async () => (await listAgents(gateway)).length === 0);
    await using stack = new AsyncDisposableStack();
    const again = stack.use(await siloRegistered(gateway));
    expect(again.port).toBe(port);
    // Its queue of answers outlived the connection.
    again.agent.answer(left, { body: 'from before' });
    again.agent.onRequest = siloEcho(again.agent);
    expect(await send(port, { method: 'POST', body: 'now' })).toMatchObject({ status: 200, text: 'now' });
  });

  it('A11: another stream with its id is refused while it lives, or replaces it, as tunnel.duplicateAgent says', async () => {
    await using probing = await siloGateway();
    await using setup = await siloRegistered(probing);
    const { agent, port } = setup;
    using second = new SiloAgent(probing.grpcPort).hello('agent-1');
    expect(await second.status).toMatchObject({
      code: Grpc.ALREADY_EXISTS,
      details: expect.stringContaining('another process'),
    });
    agent.onRequest = siloEcho(agent);
    expect((await send(port)).status).toBe(200);

    await using replacing = await siloGateway({}, { duplicateAgent: 'replace' });
    await using stack = new AsyncDisposableStack();
    const old = stack.use(await siloRegistered(replacing));
    const next = stack.use(await siloRegistered(replacing));
    expect(next.port).toBe(old.port);
    expect((await old.agent.status).code).toBe(Grpc.ABORTED);
    next.agent.onRequest = siloEcho(next.agent);
    expect((await send(next.port)).status).toBe(200);
  });

  it.each([
    ['no agent_id', siloMessage({ type: 'PING' }), Grpc.INVALID_ARGUMENT],
    ['an id that is none', siloMessage({ type: 'PING', metadata: { agent_id: '../x' } }), Grpc.INVALID_ARGUMENT],
  ])('a first message with %s is refused', async (_name, message, code) => {
    await using stack = new AsyncDisposableStack();
    using agent = new SiloAgent(stack.use(await siloGateway()).grpcPort);
    agent.send(message);
    expect((await agent.status).code).toBe(code);
  });

  it('whoever says nothing, or much without an id, is held to the bounds of all strangers', async () => {
    await using gateway = await siloGateway({}, { handshakeTimeoutMs: 200 });
    using silent = new SiloAgent(gateway.grpcPort);
    expect((await silent.status).code).toBe(Grpc.DEADLINE_EXCEEDED);
    using flood = new SiloAgent(gateway.grpcPort);
    flood.send({ type: 'PING', payload: Buffer.alloc(1_000_000) });
    expect([Grpc.INVALID_ARGUMENT, Grpc.UNAVAILABLE]).toContain((await flood.status).code);
    expect(await listAgents(gateway)).toEqual([]);
    await using setup = await siloRegistered(gateway);
    expect(setup.port).toBeGreaterThan(0);
  });
});
