import type { AddressInfo, Server } from 'node:net';
import { defaultGatewaySettings } from 'berth-gateway';
import { owning, eventually, localService, RawClient } from '@berth/testing';
import { listAgents, portsOf, type TestAgent, testAgent, testGateway, type TestGateway } from '@berth/testing/system';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('A13: the admin API', () => {
  let gateway: TestGateway;
  beforeEach(async () => {
    gateway = await testGateway();
  });
  afterEach(() => gateway.close());

  async function agentCalled(id: string): Promise<TestAgent> {
    await using stack = new AsyncDisposableStack();
    const service = stack.use(await localService((_, response) => response.end('hello')));
    return owning(stack.use(await testAgent(gateway, service.port, { id, metadata: { site: 'north' } })), stack);
  }
  const error = (code: string, message: unknown): object => ({
    error: { code, message, request_id: expect.stringMatching(/^req-[0-9a-f]{12}$/) },
  });

  it('lists no agents at first', async () => {
    expect(await (await fetch(`${gateway.admin}/agents`)).json()).toEqual({ agents: [], count: 0 });
  });

  it('lists agents with their ports and figures', async () => {
    await using agent = await agentCalled('kiosk-7');
    await (await fetch(agent.url, { method: 'POST', body: 'abc' })).text();
    const agents = await eventually(async () => {
      const listed = await listAgents(gateway);
      return listed[0]?.in_flight === 0 && listed;
    });
    expect(agents).toEqual([
      {
        agent_id: 'kiosk-7',
        port: agent.port,
        scheme: 'http',
        state: 'healthy',
        state_reason: '',
        state_since: expect.stringMatching(ISO),
        services: [
          {
            name: 'default',
            kind: 'http',
            loopback: false,
            port: agent.port,
            scheme: 'http',
            state: 'healthy',
            state_reason: '',
            state_since: expect.stringMatching(ISO),
            connections: 1,
            waiting: 0,
            requests: 1,
            errors: 0,
          },
        ],
        last_seen: expect.stringMatching(ISO),
        connected_since: expect.stringMatching(ISO),
        connections: 1,
        in_flight: 0,
        waiting: 0,
        requests: 1,
        errors: 0,
        bytes_in: 3,
        bytes_out: 5,
        remote_address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      },
    ]);
  });

  it('shows one agent with its connections and what it says of itself', async () => {
    await using stack = new AsyncDisposableStack();
    stack.use(await agentCalled('kiosk-7'));
    const shown: unknown = await (await fetch(`${gateway.admin}/agents/kiosk-7`)).json();
    expect(shown).toMatchObject({
      agent_id: 'kiosk-7',
      metadata: { site: 'north' },
      connection_list: [{ connection_id: expect.any(String), in_flight: 0, draining: false }],
    });
  });

  it.each(['GET', 'DELETE'])('%s of an agent that is not there is 404', async (method) => {
    const answer = await fetch(`${gateway.admin}/agents/nobody`, { method });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual(error('BERTH_NOT_FOUND', 'Agent nobody not found'));
  });

  it('disconnects an agent, which comes back to its port', async () => {
    await using agent = await agentCalled('kiosk-7');
    const before = await (await fetch(`${gateway.admin}/agents/kiosk-7`)).text();
    const answer = await fetch(`${gateway.admin}/agents/kiosk-7`, { method: 'DELETE' });
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    const id = (text: string): unknown =>
      (JSON.parse(text) as { connection_list: { connection_id: string }[] }).connection_list[0]?.connection_id;
    await eventually(async () => {
      const now = await fetch(`${gateway.admin}/agents/kiosk-7`);
      return now.ok && id(await now.text()) !== id(before);
    });
    expect((await listAgents(gateway)).map((it) => it.port)).toEqual([agent.port]);
    expect(await (await fetch(agent.url)).text()).toBe('hello');
  });

  it('shows the port range and its leases', async () => {
    const { start, end } = gateway.range;
    await using agent = await agentCalled('kiosk-7');
    expect(await portsOf(gateway)).toEqual({
      ...{ start, end, total: 4, used: 1, free: 3, foreign: 0, reserved: 0, static_used: 0 },
      pools: [{ ranges: [`${start}-${end}`], agents: [], total: 4, used: 1, free: 3, foreign: 0, reserved: 0 }],
      leases: [
        {
          ...{
            port: agent.port,
            agent_id: 'kiosk-7',
            service: 'default',
            pinned: false,
            static: false,
            loopback: false,
          },
          leased_since: expect.stringMatching(ISO),
        },
      ],
      ...{ remembered: [], foreign_ports: [] },
    });
  });

  it('says that the process lives', async () => {
    const answer = await fetch(`${gateway.admin}/health`);
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }]);
  });

  it('is ready until it shuts down, and then says why it is not', async () => {
    const ready = await fetch(`${gateway.admin}/health/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([200, { status: 'ok', info: { grpc: { status: 'up' } } }]);

    // A request under way keeps the shutdown going for as long as it is looked at.
    await using service = await localService(() => undefined);
    await using agent = await testAgent(gateway, service.port);
    void fetch(agent.url).catch(() => undefined);
    await eventually(async () => (await listAgents(gateway))[0]?.in_flight === 1);
    const closing = gateway.close();
    const report = await eventually(async () => {
      const answer = await fetch(`${gateway.admin}/health/ready`);
      return answer.status === 503 && ((await answer.json()) as object);
    });
    expect(report).toMatchObject({ status: expect.any(String), error: { shutdown: { status: 'down' } } });
    await closing;
  });

  it.each(['/proxy/x/y', '/proxy/kiosk-7/', '/nothing'])('%s does not exist', async (path) => {
    await using stack = new AsyncDisposableStack();
    stack.use(await agentCalled('kiosk-7'));
    const answer = await fetch(gateway.admin + path);
    expect([answer.status, await answer.json()]).toEqual([404, error('BERTH_NOT_FOUND', `Cannot GET ${path}`)]);
  });

  it.each([
    [undefined, 200],
    ['*/*', 200],
    ['application/json', 200],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 302],
  ])('leads whoever asks for / with Accept: %s to the rest', async (accept, status) => {
    const headers = accept === undefined ? {} : { accept };
    const answer = await fetch(gateway.admin, { headers, redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([status, status === 302 ? '/docs' : null]);
    if (status === 302) return;
    const { name, ...paths } = (await answer.json()) as Record<string, string>;
    expect(name).toBe('berth-gateway');
    for (const path of Object.values(paths))
      expect([path, (await fetch(gateway.admin + path)).status]).toEqual([path, 200]);
    expect((await fetch(gateway.admin, { method: 'POST' })).headers.get('allow')).toBe('GET, HEAD, OPTIONS');
  });

  it('listens on loopback unless told otherwise', () => {
    expect(defaultGatewaySettings().http.host).toBe('127.0.0.1');
    expect(((gateway.app.getHttpServer() as Server).address() as AddressInfo).address).toBe('127.0.0.1');
  });

  it('tells nobody what it is made of', async () => {
    expect((await fetch(`${gateway.admin}/agents`)).headers.has('x-powered-by')).toBe(false);
  });

  describe('bad input', () => {
    async function raw(bytes: string): Promise<string> {
      using client = await RawClient.connect(gateway.adminPort);
      client.send(bytes);
      return await eventually(() => (client.ended ? client.text() : undefined));
    }
    const body = (text: string): unknown => JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4));

    it('answers 431 to a head that is too large', async () => {
      const text = await raw(`GET /agents HTTP/1.1\r\nHost: localhost\r\nBig: ${'a'.repeat(40_000)}\r\n\r\n`);
      expect(text).toMatch(/^HTTP\/1\.1 431 /);
      expect(body(text)).toEqual(error('BERTH_HEADERS_TOO_LARGE', expect.any(String)));
    });

    it.each([
      'FROB /agents HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'no HTTP at all\r\n\r\n',
      'GET /agents HTTP/1.1\r\nA : b\r\n\r\n',
    ])('answers 400 to %j', async (bytes) => {
      const text = await raw(bytes);
      expect(text).toMatch(/^HTTP\/1\.1 400 /);
      expect(body(text)).toEqual(error('BERTH_BAD_REQUEST', expect.any(String)));
    });

    it.each([
      ['DELETE', '/agents/x', '{bad', 400, 'BERTH_BAD_REQUEST'],
      ['DELETE', '/agents/x', JSON.stringify('a'.repeat(400_000)), 413, 'BERTH_BODY_TOO_LARGE'],
      ['POST', '/nothing', '{}', 404, 'BERTH_NOT_FOUND'],
      ['GET', '/agents/%zz', undefined, 400, 'BERTH_BAD_REQUEST'],
    ])('%s %s with %.10j', async (method, path, text, status, code) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(gateway.admin + path, {
        method,
        headers,
        ...(text === undefined ? {} : { body: text }),
      });
      expect([answer.status, await answer.json()]).toEqual([status, error(code, expect.any(String))]);
    });
  });
});
