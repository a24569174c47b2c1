import { once } from 'node:events';
import { connect as connectH2, type ClientHttp2Session } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { GatewaySettings } from 'berth-gateway';
import { eventually, listening, localService, owning, RawClient } from '@berth/testing';
import {
  httpsPorts,
  idle,
  type LogLine,
  type LogLines,
  logLines,
  type Relay,
  relayTo,
  send,
  testAgent,
  testGateway,
} from '@berth/testing/system';

/** Where the trusted proxy of these tests comes from; others come from 127.0.0.1. */
const PROXY = '127.0.0.2';
const V1 = 'PROXY TCP4 203.0.113.7 192.0.2.7 4711 443\r\n';
const V2 = `\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x07\x12\x67\x01\xbb`;
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const CLOSING = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

type Access = NonNullable<NonNullable<GatewaySettings['policies'][string]>['access']>;

type Rules = NonNullable<GatewaySettings['policies'][string]>;

const policies = (access: Access, more: Rules = {}): Record<string, Rules> => ({
  '*': { access: { trustedProxies: [PROXY], proxyProtocol: 'any', ...access }, ...more },
});

interface Lab extends AsyncDisposable {
  relay: Relay;
  port: number;
  log: LogLines;
  metrics: () => Promise<string>;
}

/** Its service says what it got; on `/large` after a body. */
async function lab(access: Access = {}, more: Rules = {}, ingress: object = {}): Promise<Lab> {
  await using stack = new AsyncDisposableStack();
  const service = stack.use(
    await localService((request, response) => {
      let bytes = 0;
      request.on('data', (chunk: Buffer) => (bytes += chunk.length));
      request.on('end', () => response.end(JSON.stringify({ ...request.headers, url: request.url, bytes })));
    }),
  );
  const log = logLines();
  const gateway = stack.use(await testGateway({ policies: policies(access, more), ingress }, 4, log.log));
  const agent = stack.use(await testAgent(gateway, service.port));
  const metrics = async (): Promise<string> => await (await fetch(`${gateway.admin}/metrics`)).text();
  return owning({ relay: { gateway, agent, port: agent.port } as Relay, port: agent.port, log, metrics }, stack);
}

const proxied = (port: number): Promise<RawClient> => RawClient.connect(port, { localAddress: PROXY });

/** What comes back until the connection ends. */
async function ask(port: number, bytes: string, localAddress = PROXY): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => undefined);
  socket.write(bytes, 'latin1');
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString('latin1');
}

/** What the log warns of, without what it says at the start. */
const warnings = ({ log }: { log: LogLines }): LogLine[] =>
  log.at('warn').filter(({ msg }) => !msg.startsWith('anybody'));

const errors = (metrics: string): string | undefined => /code="BERTH_PROXY_HEADER"[^\n]*} (\d+)\n/.exec(metrics)?.[1];

describe('the PROXY protocol before a port', () => {
  it.each([
    ['v1', V1],
    ['v2', V2],
  ])('%s: the client that the header names is who asks', async (_, header) => {
    await using setup = await lab({ deny: ['203.0.113.8'] });
    const answer = await ask(setup.port, header + CLOSING);
    expect(answer).toMatch(/^HTTP\/1\.1 200 .*"x-forwarded-for":"203\.0\.113\.7"/s);
    const other = header.replace('203.0.113.7', '203.0.113.8').replace('\xcb\0\x71\x07', '\xcb\0\x71\x08');
    expect(await ask(setup.port, other + CLOSING)).toMatch(/^HTTP\/1\.1 403 .*203\.0\.113\.8 may not use this port/s);
    expect(warnings(setup).map(({ clientAddress }) => clientAddress)).toEqual(['203.0.113.8']);
    // The proxy itself.
    await using closed = await lab({ deny: [PROXY] });
    expect(await ask(closed.port, header + CLOSING)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each(['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ::1 ::1 1 2\r\n', '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0'])(
    '%j names nobody: the proxy itself asks',
    async (header) => {
      await using setup = await lab();
      expect(await ask(setup.port, header + CLOSING)).toMatch(/^HTTP\/1\.1 200 .*"x-forwarded-for":"127\.0\.0\.2"/s);
    },
  );

  it('limits of one client are those of the client that is named', async () => {
    await using rated = await lab({}, { rate: { requestsPerSecond: 1, burst: 1 } });
    const twice = `${GET}${CLOSING}`;
    expect(await ask(rated.port, V1 + twice)).toMatch(/^HTTP\/1\.1 200 .*HTTP\/1\.1 429 .*203\.0\.113\.7 asks more/s);
    expect(await ask(rated.port, V1.replace('.7 ', '.8 ') + CLOSING)).toMatch(/^HTTP\/1\.1 200 /);
    await using limited = await lab({}, { limits: { maxConnectionsPerAddress: 1 } });
    using held = await proxied(limited.port);
    held.send(V1 + GET);
    await eventually(() => held.text().startsWith('HTTP/1.1 200 '));
    expect(await ask(limited.port, V1 + CLOSING)).toMatch(/^HTTP\/1\.1 503 .*203\.0\.113\.7 has 1 connections/s);
    expect(await ask(limited.port, V1.replace('.7 ', '.8 ') + CLOSING)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('a header in single bytes, and one glued to pipelined requests and a body: each byte is read once', async () => {
    await using setup = await lab();
    for (const header of [V1, V2]) {
      using client = await proxied(setup.port);
      for (const byte of header + GET) {
        client.send(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await eventually(() => client.text().includes('"bytes":0}'));
      using other = await proxied(setup.port);
      const body = 'x'.repeat(1_000_000);
      const post = `POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      other.send(`${header}${GET}${post}${GET.replace('/', '/c')}`);
      await eventually(() => other.text().includes('"url":"/c"'));
      expect(other.text().match(/"url":"[^"]*","bytes":\d+/g)).toEqual([
        '"url":"/","bytes":0',
        '"url":"/b","bytes":1000000',
        '"url":"/c","bytes":0',
      ]);
    }
    await idle(setup.relay.gateway);
  });

  it('one header for a connection: a second one is no request', async () => {
    await using setup = await lab();
    expect(await ask(setup.port, V1 + V1 + CLOSING)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await ask(setup.port, V1 + V2 + CLOSING)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('from others a header is not looked at, and is no request', async () => {
    await using setup = await lab();
    expect(await ask(setup.port, V1 + CLOSING, '127.0.0.1')).toMatch(/^HTTP\/1\.1 400 /);
    expect((await send(setup.port, { headers: { 'X-Forwarded-For': '192.0.2.9' } })).text).toContain(
      '"x-forwarded-for":"192.0.2.9, 127.0.0.1"',
    );
  });

  it('connections of the proxy without a header, or with a wrong one, are reset, counted and logged', async () => {
    await using setup = await lab({ proxyProtocol: 'v2' });
    for (const bytes of [CLOSING, V1 + CLOSING, V2.replace('\x21', '\x22') + CLOSING]) {
      expect(await ask(setup.port, bytes)).toBe('');
    }
    const reasons = warnings(setup).map(({ msg, proxy, reason }) => [msg, proxy, reason]);
    const said = 'a connection of a proxy was refused (access.proxyProtocol)';
    expect(reasons).toEqual([
      [said, PROXY, 'it does not begin with a PROXY header'],
      [said, PROXY, 'it has a PROXY header of v1, and only v2 is taken'],
      [said, PROXY, 'its PROXY header has an unknown command'],
    ]);
    expect(errors(await setup.metrics())).toBe('3');
    expect(await ask(setup.port, V2 + CLOSING)).toMatch(/^HTTP\/1\.1 200 /);
    // A look whether the port is open is nothing to speak of.
    (await proxied(setup.port)).destroy();
    expect(await ask(setup.port, V2 + CLOSING)).toMatch(/^HTTP\/1\.1 200 /);
    expect(errors(await setup.metrics())).toBe('3');
  });

  it('with access.proxyHeaderOptional they are the proxy’s own', async () => {
    await using setup = await lab({ proxyHeaderOptional: true });
    expect(await ask(setup.port, CLOSING)).toMatch(/^HTTP\/1\.1 200 .*"x-forwarded-for":"127\.0\.0\.2"/s);
    expect(await ask(setup.port, V1 + CLOSING)).toMatch(/"x-forwarded-for":"203\.0\.113\.7"/);
    expect(await ask(setup.port, V1.replace('4711', 'x') + CLOSING)).toBe('');
  });

  it('X-Forwarded-For of the client that is named counts if that is a trusted proxy itself', async () => {
    await using setup = await lab({ trustedProxies: [PROXY, '203.0.113.7'], deny: ['198.51.100.9'] });
    const from = (header: string) =>
      ask(setup.port, `${header}GET / HTTP/1.0\r\nHost: a\r\nX-Forwarded-For: 198.51.100.9\r\n\r\n`);
    expect(await from(V1)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await from(V1.replace('.7 ', '.8 '))).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('a change of the policy holds for connections from then on', async () => {
    await using setup = await lab({ proxyProtocol: 'off' });
    using before = await proxied(setup.port);
    before.send(GET);
    await eventually(() => before.text().includes('"bytes":0}'));
    const patch = async (value: string): Promise<unknown> => {
      const response = await fetch(`${setup.relay.gateway.admin}/agents/agent-1/policy`, {
        method: 'PATCH',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ access: { proxyProtocol: value } }),
      });
      return ((await response.json()) as { warnings?: string[]; error?: object }).warnings;
    };
    expect(await patch('v1')).toEqual([]);
    expect(await ask(setup.port, V1 + CLOSING)).toMatch(/^HTTP\/1\.1 200 /);
    before.send(GET);
    await eventually(() => before.text().split('"bytes":0}').length === 3);
    expect(await patch('v3')).toBeUndefined();
    expect(await patch('off')).toEqual([]);
    expect(await ask(setup.port, V1 + CLOSING)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('says where nobody is trusted to speak it', async () => {
    await using setup = await lab({ trustedProxies: [] });
    const why = 'access.proxyProtocol has no effect: access.trustedProxies names no proxy that would speak it';
    expect(warnings(setup).map(({ msg }) => msg)).toEqual([why]);
    expect((await send(setup.port)).status).toBe(200);
  });

  it('2,000 connections that wait with half a header hold a place of the total each, cost little, and go in time', async () => {
    await using setup = await lab({}, {}, { proxyHeaderTimeoutMs: 2500 });
    const clients = await Promise.all(Array.from({ length: 2000 }, () => proxied(setup.port)));
    const before = process.memoryUsage.rss();
    for (const client of clients) client.send(V2.slice(0, 27));
    await new Promise((resolve) => setTimeout(resolve, 300));
    // Both ends are in this process.
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
    expect((await send(setup.port)).status).toBe(200);
    expect(await ask(setup.port, V2 + CLOSING)).toMatch(/^HTTP\/1\.1 200 /);
    await eventually(() => clients.every(({ closed }) => closed), 20_000);
    expect(errors(await setup.metrics())).toBe('2000');
    expect(warnings(setup).length).toBeLessThan(10);
  }, 60_000);

  it('connections that wait count to agentPorts.maxTotalConnections', async () => {
    await using stack = new AsyncDisposableStack();
    const service = stack.use(await localService((_, response) => response.end('x')));
    const gateway = stack.use(await testGateway({ policies: policies({}), agentPorts: { maxTotalConnections: 2 } }));
    const { port } = stack.use(await testAgent(gateway, service.port));
    using one = await proxied(port);
    using two = await proxied(port);
    one.send('PROXY');
    two.send('PROXY');
    await eventually(async () => (await ask(port, V1 + CLOSING)) === '');
    two.send(V1.slice(5) + CLOSING);
    await eventually(() => two.text().endsWith('x'));
    two.destroy();
    await eventually(async () => (await ask(port, V1 + CLOSING)).startsWith('HTTP/1.1 200 '));
  });
});

describe('the PROXY protocol before HTTPS and HTTP/2', () => {
  const { lab: httpsLab, remove, trusted } = httpsPorts();
  afterAll(remove);

  const overTls = async (port: number, header: string, ALPNProtocols: string[]) => {
    const raw = await proxied(port);
    raw.socket.removeAllListeners('data');
    raw.send(header);
    const socket = connectTls({ socket: raw.socket, servername: 'gateway.test', ALPNProtocols, ...trusted });
    await once(socket, 'secureConnect');
    return socket;
  };

  it('the header comes before the handshake, whole or in single bytes', async () => {
    await using setup = await httpsLab({}, { policies: policies({ deny: ['203.0.113.8'] }) });
    const get = async (header: string): Promise<string> => {
      const socket = await overTls(setup.port, header, ['http/1.1']);
      socket.write(CLOSING);
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk as Buffer);
      return String(Buffer.concat(chunks));
    };
    expect(await get(V1)).toMatch(/^HTTP\/1\.1 200 .*"x-forwarded-for":"203\.0\.113\.7"/s);
    expect(await get(V2)).toMatch(/"x-forwarded-for":"203\.0\.113\.7","x-forwarded-proto":"https"/);
    expect(await get(V1.replace('.7 ', '.8 '))).toMatch(/^HTTP\/1\.1 403 /);
    expect(await get('PROXY UNKNOWN\r\n')).toMatch(/"x-forwarded-for":"127\.0\.0\.2"/);
    await expect(get('')).rejects.toThrow();
    expect(warnings(setup).map(({ reason }) => reason)).toContain('it does not begin with a PROXY header');
  });

  it('limits of connections count who is named, before the handshake', async () => {
    await using setup = await httpsLab({}, { policies: policies({}, { limits: { maxConnectionsPerAddress: 1 } }) });
    const held = await overTls(setup.port, V1, ['http/1.1']);
    const status = async (header: string): Promise<string> => {
      const socket = await overTls(setup.port, header, ['http/1.1']);
      socket.write(CLOSING);
      const [bytes] = (await once(socket, 'data')) as [Buffer];
      return String(bytes).slice(9, 12);
    };
    expect(await status(V1.replace('4711', '4712'))).toBe('503');
    expect(await status(V1.replace('.7 ', '.8 '))).toBe('200');
    held.destroy();
  });

  const headersOf = async (session: ClientHttp2Session): Promise<string> => {
    const stream = session.request({ ':path': '/' });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    session.destroy();
    return String(Buffer.concat(chunks));
  };

  it('HTTP/2 by ALPN, and with prior knowledge', async () => {
    await using secure = await httpsLab({}, { policies: policies({}) });
    const tls = await overTls(secure.port, V2, ['h2']);
    const session = connectH2('https://gateway.test', { createConnection: () => tls });
    expect(await headersOf(session)).toContain('"x-forwarded-for":"203.0.113.7"');
    await using clear = await lab({}, {}, { http2: { clear: true } });
    const raw = await proxied(clear.port);
    raw.socket.removeAllListeners('data');
    raw.send(V1);
    const prior = connectH2('http://a', { createConnection: () => raw.socket });
    expect(await headersOf(prior)).toContain('"x-forwarded-for":"203.0.113.7"');
    expect(await ask(clear.port, V2 + CLOSING)).toContain('"x-forwarded-for":"203.0.113.7"');
  });
});

describe('the PROXY protocol before raw TCP', () => {
  async function raw(onSocket: (socket: Socket) => void, access: Access = {}, agent: object = {}) {
    await using stack = new AsyncDisposableStack();
    const { port } = stack.use(await listening(createServer({ allowHalfOpen: true }, onSocket)));
    const log = logLines();
    const gateway = stack.use(await testGateway({ policies: policies(access) }, 4, log.log));
    const running = stack.use(await testAgent(gateway, `tcp://127.0.0.1:${port}`, agent));
    return owning({ port: running.port, log, gateway }, stack);
  }

  it('the bytes behind the header pass, and a half that ends right behind it', async () => {
    await using setup = await raw((socket) => socket.pipe(socket));
    for (const header of [V1, V2]) {
      using client = await proxied(setup.port);
      client.socket.end(Buffer.from(`${header}bytes`, 'latin1'));
      await eventually(() => client.ended);
      expect(client.text()).toBe('bytes');
      using silent = await proxied(setup.port);
      silent.socket.end(Buffer.from(header, 'latin1'));
      await eventually(() => silent.ended);
      expect(silent.text()).toBe('');
    }
    await idle(setup.gateway);
    expect(warnings(setup)).toEqual([]);
  });

  it('a service that speaks first is told who the client is, by a header of its own', async () => {
    const headers: Buffer[] = [];
    const agent = { local: { proxyProtocol: 'v2' } };
    await using setup = await raw(
      (socket) => {
        socket.once('data', (bytes) => headers.push(bytes));
        socket.write('hello');
      },
      {},
      agent,
    );
    using client = await proxied(setup.port);
    client.send(V1);
    await eventually(() => client.text() === 'hello');
    expect(headers.map((header) => header.toString('latin1'))).toEqual([V2]);
  });

  it('rules know the client; a connection without a header is reset', async () => {
    await using setup = await raw((socket) => socket.pipe(socket), { allow: ['203.0.113.0/24'] });
    using client = await proxied(setup.port);
    client.send(`${V1}x`);
    await eventually(() => client.text() === 'x');
    for (const bytes of ['SSH-2.0-x\r\n', V1.replace('203.0.113.7', '192.0.2.1')])
      expect(await ask(setup.port, bytes)).toBe('');
    expect(await ask(setup.port, 'x', '127.0.0.1')).toBe('');
    expect(warnings(setup).map(({ clientAddress, reason }) => reason ?? clientAddress)).toEqual(
      expect.arrayContaining(['it does not begin with a PROXY header', '192.0.2.1', '127.0.0.1']),
    );
  });

  it('with access.proxyHeaderOptional a silent client is taken when the time is over', async () => {
    await using stack = new AsyncDisposableStack();
    const { port } = stack.use(await listening(createServer((socket) => socket.write('hello'))));
    const relay = stack.use(
      await relayTo(`tcp://127.0.0.1:${port}`, {
        gateway: { policies: policies({ proxyHeaderOptional: true }), ingress: { proxyHeaderTimeoutMs: 50 } },
      }),
    );
    using client = await proxied(relay.port);
    await eventually(() => client.text() === 'hello');
    using half = await proxied(relay.port);
    half.send('PROX');
    await eventually(() => half.closed);
    expect(half.text()).toBe('');
  });
});
