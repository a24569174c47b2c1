import { eventually, localService, owning } from '@berth/testing';
import {
  askAs,
  behindProxy,
  CLOSING_GET,
  idle,
  type LogLines,
  logLines,
  metric,
  type PortAccess,
  type PortRules,
  PROXY,
  PROXY_V1,
  PROXY_V2,
  proxied,
  type Relay,
  send,
  testAgent,
  testGateway,
  warningsOf,
} from '@berth/testing/system';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

interface Lab extends AsyncDisposable {
  relay: Relay;
  port: number;
  log: LogLines;
  metrics: () => Promise<string>;
}

/** Its service says what it got; on `/large` after a body. */
async function lab(access: PortAccess = {}, more: PortRules = {}, ingress: object = {}): Promise<Lab> {
  await using stack = new AsyncDisposableStack();
  const service = stack.use(
    await localService((request, response) => {
      let bytes = 0;
      request.on('data', (chunk: Buffer) => (bytes += chunk.length));
      request.on('end', () => response.end(JSON.stringify({ ...request.headers, url: request.url, bytes })));
    }),
  );
  const log = logLines();
  const gateway = stack.use(await testGateway({ policies: behindProxy(access, more), ingress }, 4, log.log));
  const agent = stack.use(await testAgent(gateway, service.port));
  const metrics = async (): Promise<string> => await (await fetch(`${gateway.admin}/metrics`)).text();
  return owning({ relay: { gateway, agent, port: agent.port } as Relay, port: agent.port, log, metrics }, stack);
}

const errors = (metrics: string): string | undefined => /code="BERTH_PROXY_HEADER"[^\n]*} (\d+)\n/.exec(metrics)?.[1];

describe('the PROXY protocol before a port', () => {
  it.each([
    ['v1', PROXY_V1],
    ['v2', PROXY_V2],
  ])('%s: the client that the header names is who asks', async (_, header) => {
    await using setup = await lab({ deny: ['203.0.113.8'] });
    const answer = await askAs(setup.port, header + CLOSING_GET);
    expect(answer).toMatch(/^HTTP\/1\.1 200 .*"x-forwarded-for":"203\.0\.113\.7"/s);
    const other = header.replace('203.0.113.7', '203.0.113.8').replace('\xcb\0\x71\x07', '\xcb\0\x71\x08');
    expect(await askAs(setup.port, other + CLOSING_GET)).toMatch(
      /^HTTP\/1\.1 403 .*203\.0\.113\.8 may not use this port/s,
    );
    expect(warningsOf(setup).map(({ clientAddress }) => clientAddress)).toEqual(['203.0.113.8']);
    // The proxy itself.
    await using closed = await lab({ deny: [PROXY] });
    expect(await askAs(closed.port, header + CLOSING_GET)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each(['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ::1 ::1 1 2\r\n', '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0'])(
    '%j names nobody: the proxy itself asks',
    async (header) => {
      await using setup = await lab();
      expect(await askAs(setup.port, header + CLOSING_GET)).toMatch(
        /^HTTP\/1\.1 200 .*"x-forwarded-for":"127\.0\.0\.2"/s,
      );
    },
  );

  it('limits of one client are those of the client that is named', async () => {
    await using rated = await lab({}, { rate: { requestsPerSecond: 1, burst: 1 } });
    const twice = `${GET}${CLOSING_GET}`;
    expect(await askAs(rated.port, PROXY_V1 + twice)).toMatch(
      /^HTTP\/1\.1 200 .*HTTP\/1\.1 429 .*203\.0\.113\.7 asks more/s,
    );
    expect(await askAs(rated.port, PROXY_V1.replace('.7 ', '.8 ') + CLOSING_GET)).toMatch(/^HTTP\/1\.1 200 /);
    await using limited = await lab({}, { limits: { maxConnectionsPerAddress: 1 } });
    using held = await proxied(limited.port);
    held.send(PROXY_V1 + GET);
    await eventually(() => held.text().startsWith('HTTP/1.1 200 '));
    expect(await askAs(limited.port, PROXY_V1 + CLOSING_GET)).toMatch(
      /^HTTP\/1\.1 503 .*203\.0\.113\.7 has 1 connections/s,
    );
    expect(await askAs(limited.port, PROXY_V1.replace('.7 ', '.8 ') + CLOSING_GET)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('a header in single bytes, and one glued to pipelined requests and a body: each byte is read once', async () => {
    await using setup = await lab();
    for (const header of [PROXY_V1, PROXY_V2]) {
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
    expect(await askAs(setup.port, PROXY_V1 + PROXY_V1 + CLOSING_GET)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await askAs(setup.port, PROXY_V1 + PROXY_V2 + CLOSING_GET)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('from others a header is not looked at, and is no request', async () => {
    await using setup = await lab();
    expect(await askAs(setup.port, PROXY_V1 + CLOSING_GET, '127.0.0.1')).toMatch(/^HTTP\/1\.1 400 /);
    expect((await send(setup.port, { headers: { 'X-Forwarded-For': '192.0.2.9' } })).text).toContain(
      '"x-forwarded-for":"192.0.2.9, 127.0.0.1"',
    );
  });

  it('connections of the proxy without a header, or with a wrong one, are reset, counted and logged', async () => {
    await using setup = await lab({ proxyProtocol: 'v2' });
    for (const bytes of [CLOSING_GET, PROXY_V1 + CLOSING_GET, PROXY_V2.replace('\x21', '\x22') + CLOSING_GET]) {
      expect(await askAs(setup.port, bytes)).toBe('');
    }
    const reasons = warningsOf(setup).map(({ msg, proxy, reason }) => [msg, proxy, reason]);
    const said = 'a connection of a proxy was refused (access.proxyProtocol)';
    expect(reasons).toEqual([
      [said, PROXY, 'it does not begin with a PROXY header'],
      [said, PROXY, 'it has a PROXY header of v1, and only v2 is taken'],
      [said, PROXY, 'its PROXY header has an unknown command'],
    ]);
    expect(errors(await setup.metrics())).toBe('3');
    expect(await askAs(setup.port, PROXY_V2 + CLOSING_GET)).toMatch(/^HTTP\/1\.1 200 /);
    // A look whether the port is open is nothing to speak of.
    (await proxied(setup.port)).destroy();
    expect(await askAs(setup.port, PROXY_V2 + CLOSING_GET)).toMatch(/^HTTP\/1\.1 200 /);
    expect(errors(await setup.metrics())).toBe('3');
  });

  it('with access.proxyHeaderOptional they are the proxy’s own', async () => {
    await using setup = await lab({ proxyHeaderOptional: true });
    expect(await askAs(setup.port, CLOSING_GET)).toMatch(/^HTTP\/1\.1 200 .*"x-forwarded-for":"127\.0\.0\.2"/s);
    expect(await askAs(setup.port, PROXY_V1 + CLOSING_GET)).toMatch(/"x-forwarded-for":"203\.0\.113\.7"/);
    expect(await askAs(setup.port, PROXY_V1.replace('4711', 'x') + CLOSING_GET)).toBe('');
  });

  it('X-Forwarded-For of the client that is named counts if that is a trusted proxy itself', async () => {
    await using setup = await lab({ trustedProxies: [PROXY, '203.0.113.7'], deny: ['198.51.100.9'] });
    const from = (header: string) =>
      askAs(setup.port, `${header}GET / HTTP/1.0\r\nHost: a\r\nX-Forwarded-For: 198.51.100.9\r\n\r\n`);
    expect(await from(PROXY_V1)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await from(PROXY_V1.replace('.7 ', '.8 '))).toMatch(/^HTTP\/1\.1 200 /);
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
    expect(await askAs(setup.port, PROXY_V1 + CLOSING_GET)).toMatch(/^HTTP\/1\.1 200 /);
    before.send(GET);
    await eventually(() => before.text().split('"bytes":0}').length === 3);
    expect(await patch('v3')).toBeUndefined();
    expect(await patch('off')).toEqual([]);
    expect(await askAs(setup.port, PROXY_V1 + CLOSING_GET)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('says where nobody is trusted to speak it', async () => {
    await using setup = await lab({ trustedProxies: [] });
    const why = 'access.proxyProtocol has no effect: access.trustedProxies names no proxy that would speak it';
    expect(warningsOf(setup).map(({ msg }) => msg)).toEqual([why]);
    expect((await send(setup.port)).status).toBe(200);
  });

  it('2,000 connections that wait with half a header hold a place of the total each, and nobody else up', async () => {
    await using setup = await lab({}, {}, { proxyHeaderTimeoutMs: 600_000 });
    const clients = await Promise.all(Array.from({ length: 2000 }, () => proxied(setup.port)));
    for (const client of clients) client.send(PROXY_V2.slice(0, 27));
    const { gateway } = setup.relay;
    const held = (): Promise<number> => metric(gateway, 'berth_client_connections');
    await eventually(async () => (await held()) === 2000, 20_000);
    expect((await send(setup.port)).status).toBe(200);
    expect(await askAs(setup.port, PROXY_V2 + CLOSING_GET)).toMatch(/^HTTP\/1\.1 200 /);
    for (const client of clients) client.destroy();
    await eventually(async () => (await held()) < 2, 20_000);
  }, 60_000);

  it('connections whose header does not come in time are reset and counted, and the log says so a few times', async () => {
    await using setup = await lab({}, {}, { proxyHeaderTimeoutMs: 50 });
    const clients = await Promise.all(Array.from({ length: 20 }, () => proxied(setup.port)));
    for (const client of clients) client.send(PROXY_V2.slice(0, 27));
    await eventually(() => clients.every(({ closed }) => closed));
    expect(errors(await setup.metrics())).toBe('20');
    expect(warningsOf(setup).length).toBeLessThan(10);
  });

  it('connections that wait count to agentPorts.maxTotalConnections', async () => {
    await using stack = new AsyncDisposableStack();
    const service = stack.use(await localService((_, response) => response.end('x')));
    const gateway = stack.use(await testGateway({ policies: behindProxy(), agentPorts: { maxTotalConnections: 2 } }));
    const { port } = stack.use(await testAgent(gateway, service.port));
    using one = await proxied(port);
    using two = await proxied(port);
    one.send('PROXY');
    two.send('PROXY');
    await eventually(async () => (await askAs(port, PROXY_V1 + CLOSING_GET)) === '');
    two.send(PROXY_V1.slice(5) + CLOSING_GET);
    await eventually(() => two.text().endsWith('x'));
    two.destroy();
    await eventually(async () => (await askAs(port, PROXY_V1 + CLOSING_GET)).startsWith('HTTP/1.1 200 '));
  });
});
