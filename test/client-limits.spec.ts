import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cleanup, eventually, localService, RawClient } from '@berth/testing';
import {
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
  const cleanup = new Cleanup();
  afterEach(() => cleanup.run());

  async function client(port: number, bytes = ''): Promise<RawClient> {
    const opened = cleanup.add(await RawClient.connect(port), (it) => it.destroy());
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
  ): Promise<{ port: number; admin: string; log: LogLines }> {
    const service = cleanup.add(
      await localService((request, response) => void request.on('end', () => response.end('fine')).resume()),
      (it) => it.close(),
    );
    const log = logLines();
    const gateway = cleanup.add(await testGateway({ agentPorts, ingress }, 4, log.log), (it) => it.close());
    const { port } = cleanup.add(await testAgent(gateway, service.port), (it) => it.stop());
    return { port, admin: gateway.admin, log };
  }

  it('issue 8, B9: bodies that never come cost one address its own connections, and nobody else', async () => {
    const { port, log } = await withLog({ maxConnectionsPerAddress: 3 });
    for (let i = 0; i < 3; i += 1) await client(port, NO_BODY_COMES);
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
  ])('issue 8, B8: at %s the answer is 503 at once, to upgrades too, and the log names it', async (setting, limits) => {
    const { port, log, admin } = await withLog(limits);
    const first = await client(port);
    await client(port);
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

  it('issue 8, B8: a connection above the limit that asks nothing is closed', async () => {
    const { port } = await withLog({ maxConnections: 1 });
    await client(port);
    await sleep(50);
    const silent = await client(port);
    await eventually(() => silent.ended);
  });

  it('issue 8, B9: a body that does not begin is ended with 408 that names the setting', async () => {
    const { port } = await withLog({}, { bodyStartTimeoutMs: 300 });
    const answer = await untilMatch(port, NO_BODY_COMES, /\}$/);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('ingress.bodyStartTimeoutMs');
  });

  describe('over time', () => {
    /** Says nothing to `/mute`, takes nothing of `/stuck` for a while, and sends 32 MiB otherwise. */
    async function setUp(ingress: object): Promise<Relay> {
      return relayToListener(
        cleanup,
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

    it('issue 8, B9: while the service has yet to ask for the body, it has the time of an answer', async () => {
      const service = cleanup.add(await localService(() => undefined), (it) => it.close());
      service.server.on('checkContinue', () => undefined);
      const gateway = cleanup.add(
        await testGateway({ ingress: { bodyStartTimeoutMs: 100, responseTimeoutMs: 1500 } }),
        (it) => it.close(),
      );
      const { port } = cleanup.add(await testAgent(gateway, service.port, { shutdown: { timeoutMs: 50 } }), (it) =>
        it.stop(),
      );
      const began = performance.now();
      const expecting = NO_BODY_COMES.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n');
      const answer = await untilMatch(port, expecting, /\}$/);
      expect(performance.now() - began).toBeGreaterThan(1400);
      expect(answer).toMatch(/^HTTP\/1\.1 504 /);
      expect(answer).toContain('ingress.responseTimeoutMs');
    });

    it('issue 8, B8: an upload that trickles is ended with 408 that names the rate', async () => {
      const { port } = await setUp({ minRateBytesPerSecond: 1000, rateWindowMs: 600 });
      const slow = await client(port, 'POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
      const trickle = setInterval(() => {
        slow.send('x');
      }, 20);
      cleanup.add(trickle, clearInterval);
      await eventually(() => slow.text().endsWith('}'));
      clearInterval(trickle);
      expect(slow.text()).toMatch(/^HTTP\/1\.1 408 /);
      expect(slow.text()).toContain('ingress.minRateBytesPerSecond is 1000');
    });

    it('issue 8, B8: one that is as slow as its service is not', async () => {
      const { port } = await setUp({ minRateBytesPerSecond: 1_000_000, rateWindowMs: 400 });
      const answer = await send(port, { method: 'POST', path: '/stuck', body: Buffer.alloc(24 * MiB) });
      expect([answer.status, answer.text]).toEqual([200, 'all']);
    });

    function stalled(port: number, path: string): Socket {
      const socket = cleanup.add(connect({ host: '127.0.0.1', port }), (it) => it.destroy());
      socket.on('error', () => undefined);
      socket.pause();
      socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      return socket;
    }

    it('issue 8, B8: an answer that its client does not take is broken off; an event stream is not', async () => {
      const relay = await setUp({ minRateBytesPerSecond: 1000, rateWindowMs: 600 });
      const plain = stalled(relay.port, '/plain');
      const events = stalled(relay.port, '/events');
      const closed = { plain: false, events: false };
      plain.on('close', () => (closed.plain = true));
      events.on('close', () => (closed.events = true));
      await sleep(2000);
      plain.resume();
      events.resume();
      await eventually(() => closed.plain);
      await eventually(() => events.bytesRead >= 32 * MiB);
      expect(plain.bytesRead).toBeLessThan(32 * MiB);
      expect(closed.events).toBe(false);
    });
  });
});
