import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { owning, eventually, localService, RawClient } from '@berth/testing';
import {
  type Answer,
  codeIn,
  headOf,
  type LogLines,
  logLines,
  send,
  start,
  type TestAgent,
  testAgent,
  testGateway,
} from '@berth/testing/system';

describe("the agent's connections to the local service", () => {
  it('a Host that is none is answered with 400, and costs the agent no connection', async () => {
    await using service = await localService((_request, response) => response.end('fine'));
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port, { local: { maxConnections: 2 } });
    await using stack = new AsyncDisposableStack();
    for (let i = 0; i < 5; i += 1) {
      const client = stack.use(await RawClient.connect(agent.port));
      client.send('GET / HTTP/1.1\r\nHost: [\r\n\r\n');
      await eventually(() => client.text().startsWith('HTTP/1.1 400 '));
      expect(await (await fetch(agent.url)).text()).toBe('fine');
    }
  });

  it('a request that is cancelled while it waits for a connection takes none away', async () => {
    const held: ServerResponse[] = [];
    let accepted = 0;
    let requests = 0;
    await using service = await localService((request, response) => {
      requests += 1;
      if (request.url === '/hold') held.push(response.writeHead(200, { 'content-length': '4' }));
      else response.end('fine');
      response.flushHeaders();
    });
    service.server.on('connection', () => (accepted += 1));
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port, { local: { maxConnections: 2 } });
    const holding = [fetch(`${agent.url}/hold`), fetch(`${agent.url}/hold`)];
    await eventually(() => held.length === 2);
    await using stack = new AsyncDisposableStack();
    const leaving = Array.from({ length: 20 }, () => {
      const socket = stack.adopt(connect(agent.port, '127.0.0.1'), (it) => void it.destroy());
      socket.write('GET /gone HTTP/1.1\r\nHost: a\r\n\r\n');
      return socket;
    });
    const inFlight = async (): Promise<number> =>
      ((await (await fetch(`${gateway.admin}/agents/agent-1`)).json()) as { in_flight: number }).in_flight;
    await eventually(async () => (await inFlight()) === 22);
    for (const socket of leaving) socket.resetAndDestroy();
    await eventually(async () => (await inFlight()) === 2);
    for (const response of held) response.end('done');
    for (const answer of holding) expect(await (await answer).text()).toBe('done');
    expect(await (await fetch(agent.url)).text()).toBe('fine');
    expect([accepted, requests]).toEqual([2, 3]);
  });

  it('a body that is slow to begin does not keep the head from the service', async () => {
    await using service = await localService((request, response) => {
      // Answers on the head alone, as a service does that refuses or that talks both ways.
      response.write('head seen;');
      request.on('data', (chunk: Buffer) => response.write(chunk));
      request.on('end', () => response.end());
    });
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port);
    using client = await RawClient.connect(agent.port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n');
    await eventually(() => client.text().includes('head seen;'));
    client.send('5\r\nhello\r\n0\r\n\r\n');
    await once(client.socket, 'end');
    expect(client.text()).toContain('hello');
  });

  describe('while others last', () => {
    const WAIT_MS = 2000;

    /** `/stream` answers with an event stream that goes on, all else at once. */
    const streams: RequestListener = (request, response) => {
      if (request.url !== '/stream') return void response.end('quick');
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: 1\n\n');
    };

    async function setUp(
      local: { maxConnections?: number; queueTimeoutMs?: number },
      tunnel: { maxExchanges?: number } = {},
      listener = streams,
    ): Promise<{ agent: TestAgent; log: LogLines } & AsyncDisposable> {
      await using stack = new AsyncDisposableStack();
      const service = stack.use(await localService(listener));
      service.server.on('upgrade', (_request, socket) => {
        socket.on('error', () => undefined).on('end', () => socket.end());
        socket.resume();
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
      });
      const log = logLines();
      const gateway = stack.use(await testGateway({ tunnel: { admission: { maxWaiting: 0 } } }));
      const agent = stack.use(
        await testAgent(gateway, service.port, { local, tunnel, shutdown: { timeoutMs: 50 } }, log.log),
      );
      return owning({ agent, log }, stack);
    }

    async function hold(agent: TestAgent, count: number): Promise<AsyncDisposable> {
      await using stack = new AsyncDisposableStack();
      const heads = Array.from({ length: count }, () => {
        const outgoing = stack.adopt(start(agent.port, { path: '/stream' }), (it) => void it.destroy());
        outgoing.on('error', () => undefined);
        outgoing.end();
        return headOf(outgoing);
      });
      for (const head of heads) (await head).on('error', () => undefined);
      return stack.move();
    }

    async function timed(agent: TestAgent): Promise<{ answer: Answer; ms: number }> {
      const began = performance.now();
      const answer = await send(agent.port);
      return { answer, ms: performance.now() - began };
    }

    it('300 open event streams keep nobody else waiting', async () => {
      await using setup = await setUp({});
      const { agent, log } = setup;
      await using stack = new AsyncDisposableStack();
      stack.use(await hold(agent, 300));
      for (let i = 0; i < 5; i += 1) {
        const { answer, ms } = await timed(agent);
        expect([answer.status, answer.text]).toEqual([200, 'quick']);
        expect(ms).toBeLessThan(1000);
      }
      expect(log.at('warn')).toEqual([]);
    });

    it('at local.maxConnections the answer is 503 that names it, at once after the first wait', async () => {
      await using setup = await setUp({ maxConnections: 3, queueTimeoutMs: WAIT_MS });
      const { agent, log } = setup;
      await using stack = new AsyncDisposableStack();
      stack.use(await hold(agent, 3));
      const first = await timed(agent);
      expect(first.answer.status).toBe(503);
      expect(first.ms).toBeGreaterThan(WAIT_MS / 2);
      const answers = await Promise.all(Array.from({ length: 30 }, () => timed(agent)));
      for (const { answer, ms } of answers) {
        expect([answer.status, codeIn(answer.text)]).toEqual([503, 'BERTH_LOCAL_SERVICE_BUSY']);
        expect(answer.text).toContain('local.maxConnections');
        expect(answer.headers['retry-after']).toBe('1');
        // None of them has waited.
        expect(ms).toBeLessThan(WAIT_MS);
      }
      const lines = log.at('warn').filter(({ msg }) => msg.includes('local.maxConnections'));
      expect(lines).toHaveLength(5);
      expect(lines[0]).toMatchObject({ maxConnections: 3, queueTimeoutMs: WAIT_MS });
    });

    it('at tunnel.maxExchanges the answer is 503 that names it, and the agent tells it once', async () => {
      await using setup = await setUp({}, { maxExchanges: 2 });
      const { agent, log } = setup;
      await using stack = new AsyncDisposableStack();
      stack.use(await hold(agent, 2));
      for (let i = 0; i < 10; i += 1) {
        const { answer, ms } = await timed(agent);
        expect([answer.status, codeIn(answer.text)]).toEqual([503, 'BERTH_AGENT_BUSY']);
        expect(answer.text).toContain('tunnel.maxExchanges');
        expect(ms).toBeLessThan(1000);
      }
      expect(log.at('warn')).toMatchObject([
        { maxExchanges: 2, msg: expect.stringContaining('tunnel.maxExchanges') as string },
      ]);
    });

    it('an upgrade counts, and waits as others do', async () => {
      await using setup = await setUp({ maxConnections: 2, queueTimeoutMs: 60_000 });
      const { agent } = setup;
      const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
      const clients: RawClient[] = [];
      await using stack = new AsyncDisposableStack();
      for (let i = 0; i < 3; i += 1) {
        const client = stack.use(await RawClient.connect(agent.port));
        client.send(upgrade);
        clients.push(client);
        if (i < 2) await eventually(() => client.text().startsWith('HTTP/1.1 101 '));
      }
      let answered = false;
      const request = send(agent.port, { method: 'POST', headers: { Expect: '100-continue' }, body: 'x' });
      void request.then(() => (answered = true));
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect([clients[2]?.text(), answered]).toEqual(['', false]);
      clients[0]?.destroy();
      await eventually(() => clients[2]?.text().startsWith('HTTP/1.1 101 '));
      clients[1]?.destroy();
      expect((await request).text).toBe('quick');
    });
  });
});
