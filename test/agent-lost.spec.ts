import { once } from 'node:events';
import { connect } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { owning, disposable, eventually, localService, RawClient } from '@berth/testing';
import {
  answer as answerExchange,
  answering,
  codeIn,
  finish,
  headLines,
  headOf,
  idle,
  OK,
  RawAgent,
  relayTo,
  relayToListener,
  relayToRecorder,
  send,
  start,
  testGateway,
  untilClosed,
} from '@berth/testing/system';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n';

describe('A9, A12: an agent that is lost', () => {
  /** A gateway and hand-made connections of one agent. */
  async function byHand(connections: number): Promise<{ port: number; agents: RawAgent[] } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    const gateway = stack.use(await testGateway());
    const agents: RawAgent[] = [];
    let port = 0;
    for (let i = 0; i < connections; i += 1) {
      const agent = await RawAgent.registered(gateway.grpcPort, 'agent-1', { connections });
      stack.adopt(agent, (it) => {
        it.close();
      });
      agents.push(agent);
      port = (await agent.welcome).port;
    }
    return owning({ port, agents }, stack);
  }

  it.each([GET, POST, GET.replace('\r\n\r\n', '\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')])(
    'answers 502 at once to what waits: %j',
    async (bytes) => {
      await using setup = await byHand(1);
      const { port, agents } = setup;
      using client = await RawClient.connect(port);
      client.send(bytes);
      await eventually(() => agents[0]?.opened.length === 1);
      const began = performance.now();
      agents[0]?.close();
      await eventually(() => client.text().endsWith('}'));
      expect(performance.now() - began).toBeLessThan(1500);
      expect([headLines(client.text())[0], codeIn(client.text())]).toEqual([
        'HTTP/1.1 502 Bad Gateway',
        'BERTH_AGENT_LOST',
      ]);
      client.socket.end();
    },
  );

  it.each([
    ['Content-Length', ['Content-Length', '100']],
    ['chunked', []],
  ])('breaks the connection when the head is out (%s)', async (_name, headers) => {
    await using setup = await byHand(1);
    const { port, agents } = setup;
    using client = await RawClient.connect(port);
    client.send(GET);
    const exchange = await eventually(() => agents[0]?.opened[0]);
    exchange.sendHead({ status: 200, reason: 'OK', headers });
    exchange.sendData(Buffer.from('part'));
    await eventually(() => client.text().includes('part'));
    agents[0]?.close();
    await eventually(() => client.ended || client.closed);
    expect(client.text()).not.toContain('\r\n0\r\n');
  });

  it.each([
    ['a pipe', 'HTTP/1.1', { status: 101, reason: 'Switching Protocols', headers: ['Upgrade', 'x'] }],
    ['a refused upgrade', 'HTTP/1.1', { status: 200, reason: 'OK', headers: [] }],
    ['a refused upgrade of HTTP/1.0', 'HTTP/1.0', { status: 200, reason: 'OK', headers: [] }],
  ])('resets %s: a FIN would be its end', async (_name, version, head) => {
    await using setup = await byHand(1);
    const { port, agents } = setup;
    await using client = disposable(connect({ port, host: '127.0.0.1', allowHalfOpen: true }), (it) => it.destroy());
    const errors: unknown[] = [];
    let text = '';
    let sawEnd = false;
    client.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code));
    client.on('data', (bytes) => (text += bytes.toString('latin1'))).on('end', () => (sawEnd = true));
    client.write(`GET / ${version}\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n`);
    const exchange = await eventually(() => agents[0]?.opened[0]);
    exchange.sendHead(head);
    exchange.sendData(Buffer.from('part'));
    await eventually(() => text.includes('part'));
    agents[0]?.close();
    await eventually(() => client.closed);
    expect([errors, sawEnd]).toEqual([['ECONNRESET'], false]);
  });

  it('refuses connections when no agent is there any more', async () => {
    await using setup = await byHand(1);
    const { port, agents } = setup;
    agents[0]?.close();
    await eventually(() =>
      RawClient.connect(port).then(
        (it) => {
          it.destroy();
          return false;
        },
        (error: unknown) => (error as NodeJS.ErrnoException).code === 'ECONNREFUSED',
      ),
    );
  });

  it('tries a request without a body once on another connection', async () => {
    await using setup = await byHand(2);
    const { port, agents } = setup;
    using client = await RawClient.connect(port);
    client.send(GET);
    const first = await eventually(() => agents.find((it) => it.opened.length === 1));
    first.close();
    const second = agents.find((it) => it !== first) as RawAgent;
    const exchange = await eventually(() => second.opened[0]);
    answerExchange(exchange, 'second');
    await eventually(() => client.text().endsWith('second'));
    expect(client.text()).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it('tries it once only', async () => {
    await using setup = await byHand(3);
    const { port, agents } = setup;
    using client = await RawClient.connect(port);
    client.send(GET);
    const lost = new Set<RawAgent>();
    for (let i = 0; i < 2; i += 1) {
      const holder = await eventually(() => agents.find((it) => it.opened.length > 0 && !lost.has(it)));
      lost.add(holder);
      holder.close();
    }
    await eventually(() => client.text().endsWith('}'));
    expect(codeIn(client.text())).toBe('BERTH_AGENT_LOST');
    expect(agents.filter((it) => it.opened.length > 0)).toHaveLength(2);
  });

  it.each([
    ['a POST', POST, undefined],
    ['a PUT with a body', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody', undefined],
    ['what has had an interim answer', GET, 103],
  ])('never tries %s again', async (_name, bytes, interim) => {
    await using setup = await byHand(2);
    const { port, agents } = setup;
    using client = await RawClient.connect(port);
    client.send(bytes);
    const first = await eventually(() => agents.find((it) => it.opened.length === 1));
    if (interim !== undefined) {
      first.opened[0]?.sendInformational({ status: interim, headers: [] });
      await eventually(() => client.text().includes('103'));
    }
    first.close();
    await eventually(() => client.text().endsWith('}'));
    expect(codeIn(client.text())).toBe('BERTH_AGENT_LOST');
    expect(agents.reduce((sum, it) => sum + it.opened.length, 0)).toBe(1);
  });
});

describe('A9: no answer to be had', () => {
  it('503 with Retry-After when the agent has as many exchanges as it takes', async () => {
    const waiting: ServerResponse[] = [];
    await using relay = await relayToListener((_request, response) => waiting.push(response), {
      gateway: { ingress: { retryAfterSeconds: 7 } },
      agent: { tunnel: { maxExchanges: 2 } },
    });
    const clients = [await RawClient.connect(relay.port), await RawClient.connect(relay.port)];
    await using stack = new AsyncDisposableStack();
    for (const client of clients) {
      stack.use(client);
      client.send(GET);
    }
    await eventually(() => waiting.length === 2);
    const refused = await send(relay.port);
    expect([refused.status, refused.headers['retry-after'], codeIn(refused.text)]).toEqual([
      503,
      '7',
      'BERTH_AGENT_BUSY',
    ]);
    waiting[0]?.end('free');
    await eventually(() => clients.some((it) => it.text().includes('free')));
    const next = send(relay.port);
    (await eventually(() => waiting[2])).end('taken');
    expect((await next).text).toBe('taken');
  });

  it('504 when the local service does not answer in time, however long the port was quiet', async () => {
    let closed = 0;
    await using relay = await relayToListener(
      (request, response) => {
        if (request.url === '/late') setTimeout(() => response.end('late'), 500);
        else response.on('close', () => (closed += 1));
      },
      { gateway: { ingress: { responseTimeoutMs: 900 } } },
    );
    const refused = await send(relay.port);
    expect([refused.status, codeIn(refused.text)]).toEqual([504, 'BERTH_RESPONSE_TIMEOUT']);
    await eventually(() => closed === 1);
    // Quiet for longer than the timeout: the next deadline must still be its own.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect((await send(relay.port, { path: '/late' })).text).toBe('late');
  });

  it('a slow upload is no late answer', async () => {
    await using relay = await relayToListener(
      (request, response) => request.on('end', () => response.end('ok')).resume(),
      {
        gateway: { ingress: { responseTimeoutMs: 300 } },
      },
    );
    const outgoing = start(relay.port, { method: 'POST' });
    const head = headOf(outgoing);
    for (let i = 0; i < 8; i += 1) {
      outgoing.write('x');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    outgoing.end();
    expect((await finish(await head)).text).toBe('ok');
  });

  it('502 when the local service is down, and again an answer when it is back', async () => {
    const service = await localService((_request, response) => response.end('ok'));
    await using relay = await relayTo(service.port);
    await service.close();
    for (const method of ['GET', 'POST']) {
      const refused = await send(relay.port, { method });
      expect([refused.status, codeIn(refused.text)]).toEqual([502, 'BERTH_LOCAL_SERVICE_UNREACHABLE']);
    }
    await using back = await localService((_request, response) => response.end('back'));
    back.server.close();
    back.server.listen(service.port, '127.0.0.1');
    await once(back.server, 'listening');
    expect((await send(relay.port)).text).toBe('back');
  });

  it('a kept connection that the local service closed is no fault of the next request', async () => {
    await using relay = await relayToRecorder(answering(OK));
    expect((await send(relay.port)).text).toBe('ok');
    const stale = await eventually(() => relay.recorder.connections[0]);
    // Closed in the moment in which the next request is under way.
    stale.socket.removeAllListeners('data');
    stale.socket.once('data', () => stale.socket.resetAndDestroy());
    expect((await send(relay.port)).text).toBe('ok');
    expect(relay.recorder.connections).toHaveLength(2);
  });

  it('bytes that come unasked on a kept connection answer nobody', async () => {
    await using relay = await relayToRecorder(answering(OK));
    expect((await send(relay.port)).text).toBe('ok');
    relay.recorder.connections[0]?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
    await eventually(() => relay.recorder.connections[0]?.socket.destroyed);
    expect((await send(relay.port)).text).toBe('ok');
  });

  it('a fault in one request ends nothing else', async () => {
    await using relay = await relayToListener((request: IncomingMessage, response) => {
      if (request.url === '/bad') response.socket?.destroy();
      else response.end('ok');
    });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => send(relay.port, { method: 'POST', path: i % 2 ? '/bad' : '/' })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, (_, i) => (i % 2 ? 502 : 200)));
    await idle(relay.gateway);
    expect(await untilClosed(relay.port, GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))).toMatch(
      /ok\r\n0\r\n\r\n$|ok$/,
    );
  });
});
