import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { owning, disposable, eventually, localService, RawClient } from '@berth/testing';
import {
  agentDetail,
  codeIn,
  finish,
  type LogLines,
  logLines,
  type Relay,
  relayToListener,
  send,
  testAgent,
  testGateway,
  untilMatch,
} from '@berth/testing/system';

const MiB = 1024 * 1024;
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const NO_BODY_COMES = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n';

describe("what one client may take of an agent's port", () => {
  async function client(port: number, bytes = ''): Promise<RawClient> {
    const opened = await RawClient.connect(port);
    opened.send(bytes);
    return opened;
  }

  async function getFrom(localAddress: string, port: number): Promise<IncomingMessage> {
    const outgoing = get({ host: '127.0.0.1', port, localAddress, agent: false });
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return response;
  }

  /** Both ends, with the gateway's log. */
  async function withLog(
    agentPorts: object,
    ingress: object = {},
  ): Promise<{ port: number; admin: string; log: LogLines } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    const service = stack.use(
      await localService((request, response) => void request.on('end', () => response.end('fine')).resume()),
    );
    const log = logLines();
    const gateway = stack.use(await testGateway({ agentPorts, ingress }, 4, log.log));
    const { port } = stack.use(await testAgent(gateway, service.port));
    return owning({ port, admin: gateway.admin, log }, stack);
  }

  it('bodies that never come cost one address its own connections, and nobody else', async () => {
    await using setup = await withLog({ maxConnectionsPerAddress: 3 });
    const { port, log } = setup;
    await using stack = new AsyncDisposableStack();
    for (let i = 0; i < 3; i += 1) stack.use(await client(port, NO_BODY_COMES));
    const refused = await untilMatch(port, GET, /\}$/);
    expect(refused).toMatch(/^HTTP\/1\.1 503 /);
    expect(codeIn(refused)).toBe('BERTH_CLIENT_LIMIT');
    expect(refused).toContain('agentPorts.maxConnectionsPerAddress');
    const other = await finish(await getFrom('127.0.0.2', port));
    expect([other.status, other.text]).toEqual([200, 'fine']);
    const lines = log.at('warn').filter(({ msg }) => msg.includes('maxConnectionsPerAddress'));
    expect(lines).toMatchObject([{ address: '127.0.0.1', maxConnectionsPerAddress: 3 }]);
  });

  it.each([
    ['agentPorts.maxConnections', { maxConnections: 2, maxConnectionsPerAddress: 2 }],
    ['agentPorts.maxTotalConnections', { maxConnections: 5, maxConnectionsPerAddress: 5, maxTotalConnections: 2 }],
  ])('at %s the answer is 503 at once, to upgrades too, and the log names it', async (setting, limits) => {
    await using setup = await withLog(limits);
    const { port, log, admin } = setup;
    using first = await client(port);
    await using stack = new AsyncDisposableStack();
    stack.use(await client(port));
    await eventually(async () => (await send(port)).status === 503);
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
    for (const request of [GET, upgrade]) {
      const refused = await untilMatch(port, request, /\}$/);
      expect(refused).toMatch(/^HTTP\/1\.1 503 /);
      expect(refused).toMatch(/\r\nRetry-After: 1\r\n/);
      expect(codeIn(refused)).toBe('BERTH_TOO_MANY_CLIENTS');
      expect(refused).toContain(setting);
    }
    expect(log.lines.some(({ level, msg }) => /warn|error/.test(level) && msg.includes(setting))).toBe(true);
    expect((await fetch(`${admin}/agents`)).status).toBe(200);
    first.destroy();
    await eventually(async () => (await send(port)).text === 'fine');
  });

  it('a connection above the limit that asks nothing is closed', async () => {
    await using setup = await withLog({ maxConnections: 1 });
    const { port } = setup;
    await using stack = new AsyncDisposableStack();
    stack.use(await client(port));
    await sleep(50);
    using silent = await client(port);
    await eventually(() => silent.ended);
  });

  it('a body that does not begin is ended with 408 that names the setting', async () => {
    await using setup = await withLog({}, { bodyStartTimeoutMs: 300 });
    const { port } = setup;
    const answer = await untilMatch(port, NO_BODY_COMES, /\}$/);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('ingress.bodyStartTimeoutMs');
  });

  describe('over time', () => {
    /** Says nothing to `/mute`, takes nothing of `/stuck` for a while, and sends 32 MiB otherwise. */
    async function setUp(ingress: object): Promise<Relay> {
      return relayToListener(
        (request, response) => {
          if (request.url === '/mute') return;
          if (request.url === '/stuck') {
            setTimeout(() => request.on('end', () => response.end('all')).resume(), 2500);
            return;
          }
          if (request.url === '/upload') {
            request.on('end', () => response.end('all')).resume();
            return;
          }
          const type = request.url === '/events' ? 'text/event-stream' : 'text/plain';
          response.writeHead(200, { 'Content-Type': type });
          const left = { bytes: 32 * MiB };
          const pump = (): void => {
            while (left.bytes > 0) {
              left.bytes -= 65_536;
              if (!response.write(Buffer.alloc(65_536))) return void response.once('drain', pump);
            }
            response.end();
          };
          pump();
        },
        { gateway: { ingress } },
      );
    }

    it('while the service has yet to ask for the body, it has the time of an answer', async () => {
      await using service = await localService(() => undefined);
      service.server.on('checkContinue', () => undefined);
      await using gateway = await testGateway({ ingress: { bodyStartTimeoutMs: 100, responseTimeoutMs: 1500 } });
      await using agent = await testAgent(gateway, service.port, { shutdown: { timeoutMs: 50 } });
      const { port } = agent;
      const began = performance.now();
      const expecting = NO_BODY_COMES.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n');
      const answer = await untilMatch(port, expecting, /\}$/);
      expect(performance.now() - began).toBeGreaterThan(1400);
      expect(answer).toMatch(/^HTTP\/1\.1 504 /);
      expect(answer).toContain('ingress.responseTimeoutMs');
    });

    it('an upload that trickles is ended with 408 that names the rate', async () => {
      await using setup = await setUp({ minRateBytesPerSecond: 1000, rateWindowMs: 600 });
      const { port } = setup;
      using slow = await client(port, 'POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
      await using trickle = disposable(
        setInterval(() => {
          slow.send('x');
        }, 20),
        (it) => clearInterval(it),
      );
      await eventually(() => slow.text().endsWith('}'));
      clearInterval(trickle);
      expect(slow.text()).toMatch(/^HTTP\/1\.1 408 /);
      expect(slow.text()).toContain('ingress.minRateBytesPerSecond is 1000');
    });

    it('one that is as slow as its service is not', async () => {
      await using setup = await setUp({ minRateBytesPerSecond: 1_000_000, rateWindowMs: 400 });
      const { port } = setup;
      const answer = await send(port, { method: 'POST', path: '/stuck', body: Buffer.alloc(24 * MiB) });
      expect([answer.status, answer.text]).toEqual([200, 'all']);
    });

    function stalled(port: number, path: string): Socket & AsyncDisposable {
      const socket = disposable(connect({ host: '127.0.0.1', port }), (it) => it.destroy());
      socket.on('error', () => undefined);
      socket.pause();
      socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      return socket;
    }

    it('an answer that its client does not take is broken off; an event stream is not', async () => {
      await using relay = await setUp({ minRateBytesPerSecond: 1000, rateWindowMs: 600 });
      await using plain = stalled(relay.port, '/plain');
      await using events = stalled(relay.port, '/events');
      const closed = { plain: false, events: false };
      plain.on('close', () => (closed.plain = true));
      events.on('close', () => (closed.events = true));
      await eventually(async () => (await agentDetail(relay.gateway)).in_flight === 2);
      await sleep(2000);
      // On a busy machine it takes longer until the answer waits for its client.
      await eventually(async () => (await agentDetail(relay.gateway)).in_flight < 2);
      plain.resume();
      events.resume();
      await eventually(() => closed.plain);
      await eventually(() => events.bytesRead >= 32 * MiB);
      expect(plain.bytesRead).toBeLessThan(32 * MiB);
      expect(closed.events).toBe(false);
    });
  });
});
