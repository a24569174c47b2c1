import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { get, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeepPartial } from '@berth/config';
import { eventually, listening, localService, owning, RawClient } from '@berth/testing';
import { metric, type Relay, relayTo, relayToListener, testGateway } from '@berth/testing/system';
import type { GatewaySettings } from 'berth-gateway';

interface Line {
  [field: string]: unknown;
  client: string;
  request_id: string;
}

interface Logged extends AsyncDisposable {
  relay: Relay;
  /** waits for the next line */
  next(): Promise<Line>;
  text(): string;
}

describe('the access log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-access-'));
  let files = 0;
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  async function logged(
    relayed: (gateway: DeepPartial<GatewaySettings>) => Promise<Relay>,
    settings: DeepPartial<GatewaySettings> = {},
  ): Promise<Logged> {
    await using stack = new AsyncDisposableStack();
    const file = join(folder, `access-${(files += 1)}.log`);
    const relay = stack.use(await relayed({ ...settings, accessLog: { mode: 'all', file, ...settings.accessLog } }));
    let seen = 0;
    const text = (): string => readFileSync(file, 'utf8');
    const next = async (): Promise<Line> => {
      const line = await eventually(() => text().split('\n').slice(0, -1)[seen]);
      seen += 1;
      return JSON.parse(line) as Line;
    };
    return owning({ relay, next, text }, stack);
  }

  const answering = (settings?: DeepPartial<GatewaySettings>): Promise<Logged> =>
    logged(
      (gateway) =>
        relayToListener(
          (request, response) => {
            const { url = '' } = request;
            if (url.startsWith('/cut')) {
              response.write('half', () => request.socket.destroy());
              return;
            }
            if (url.startsWith('/hang')) {
              response.write('begun');
              return;
            }
            response.statusCode = url.startsWith('/500') ? 500 : 200;
            request.resume().on('end', () => response.end('hello'));
          },
          { gateway },
        ),
      settings,
    );

  it('has a line for each request, with what came of it', async () => {
    await using log = await answering();
    const { port } = log.relay;
    const answer = await fetch(`http://127.0.0.1:${port}/a?token=secret`, { method: 'POST', body: 'abc' });
    await answer.text();
    const line = await log.next();
    expect(line).toEqual({
      name: 'access',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      client: '127.0.0.1',
      agent: 'agent-1',
      service: 'default',
      port,
      method: 'POST',
      target: '/a',
      protocol: 'HTTP/1.1',
      status: 200,
      bytes_in: 3,
      bytes_out: 5,
      duration_ms: expect.any(Number) as number,
      head_ms: expect.any(Number) as number,
      wait_ms: expect.any(Number) as number,
      request_id: expect.stringMatching(/-\d+$/) as string,
    });
    const { duration_ms: all, head_ms: head, wait_ms: wait } = line as unknown as Record<string, number>;
    expect([wait, head, all]).toEqual([wait, head, all].sort((a, b) => Number(a) - Number(b)));
    expect(log.text()).not.toContain('secret');
  });

  it('has the id, the code and the reason of what went wrong', async () => {
    await using log = await answering();
    const { port } = log.relay;
    const ended = fetch(`http://127.0.0.1:${port}/cut`).then((answer) => answer.text());
    await expect(ended).rejects.toThrow();
    expect(await log.next()).toMatchObject({
      status: 200,
      bytes_out: 4,
      error: 'BERTH_LOCAL_SERVICE_FAILED',
      cut: 'upstream_error',
    });

    const leaving = get(`http://127.0.0.1:${port}/hang`);
    const [response] = (await once(leaving, 'response')) as [IncomingMessage];
    response.once('data', () => leaving.destroy());
    response.on('error', () => undefined);
    const left = await log.next();
    expect(left).toMatchObject({ status: 200, bytes_out: 5, cut: 'client_disconnect' });
    expect(left).not.toHaveProperty('error');
  });

  it('has what Berth answers itself, under the id of the answer', async () => {
    await using log = await answering({ policies: { '*': { rate: { requestsPerSecond: 1, burst: 1 } } } });
    const { port } = log.relay;
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
    expect(await log.next()).toMatchObject({ status: 200 });
    const refused = await fetch(`http://127.0.0.1:${port}/often`);
    const { error } = (await refused.json()) as { error: Record<string, string> };
    const line = await log.next();
    expect(line).toMatchObject({ target: '/often', status: 429, error: 'BERTH_TOO_MANY_REQUESTS' });
    expect(Object.values(error)).toContain(line.request_id);

    using client = await RawClient.connect(port);
    client.send('GET /x\x01y HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer secret\r\n\r\n');
    await eventually(() => client.ended);
    expect(await log.next()).toMatchObject({ client: '127.0.0.1', status: 400, error: 'BERTH_BAD_REQUEST' });
    using second = await RawClient.connect(port);
    second.send('GET /no-host HTTP/1.1\r\n\r\n');
    await eventually(() => second.ended);
    expect(await log.next()).toMatchObject({ target: '/no-host', status: 400, error: 'BERTH_BAD_REQUEST' });
    expect(log.text()).not.toContain('secret');
  });

  it('has the answer to a request that breaks while an outside check is waited for', async () => {
    await using check = await localService(() => undefined);
    const forwardUrl = `http://127.0.0.1:${check.port}/`;
    await using log = await answering({ accessLog: { mode: 'errors' }, policies: { '*': { auth: { forwardUrl } } } });
    using client = await RawClient.connect(log.relay.port);
    const asked = once(check.server, 'request');
    client.send('POST /broken HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    await asked;
    client.send('no size\r\n');
    await eventually(() => client.ended);
    expect(await log.next()).toMatchObject({ target: '/broken', status: 400, error: 'BERTH_BAD_REQUEST' });
  });

  it('has an upgrade when it is over, with the bytes of both directions', async () => {
    await using service = await localService(() => undefined);
    service.server.on('upgrade', (_, socket: Socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n');
      socket.once('data', () => socket.end('answer'));
    });
    await using log = await logged((gateway) => relayTo(service.port, { gateway }));
    const asking = httpRequest(`http://127.0.0.1:${log.relay.port}/up`, {
      headers: { connection: 'Upgrade', upgrade: 'test' },
    }).end();
    const [, socket] = (await once(asking, 'upgrade')) as [IncomingMessage, Socket];
    expect(log.text()).toBe('');
    socket.resume().end('hi');
    await once(socket, 'close');
    const line = await log.next();
    expect(line).toMatchObject({ target: '/up', status: 101, bytes_in: 2, bytes_out: 6 });
    expect([line['cut'], line['error']]).toEqual([undefined, undefined]);
  });

  it('has connections of raw TCP, and those that are refused', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end('bye')));
    await using service = await listening(server);
    await using log = await logged((gateway) => relayTo(`tcp://127.0.0.1:${service.port}`, { gateway }), {
      agentPorts: { maxTotalConnections: 4, maxConnections: 1, maxConnectionsPerAddress: 1 },
    });
    const { port } = log.relay;
    const client = await RawClient.connect(port);
    const second = connect({ port, host: '127.0.0.1' }).on('error', () => undefined);
    await eventually(() => second.closed);
    expect(await log.next()).toMatchObject({ protocol: 'tcp', client: '127.0.0.1', error: 'BERTH_TOO_MANY_CLIENTS' });
    client.send('hello');
    client.socket.end();
    await eventually(() => client.closed);
    const line = await log.next();
    expect(line).toMatchObject({ protocol: 'tcp', port, bytes_in: 5, bytes_out: 3, agent: 'agent-1' });
    for (const none of ['method', 'target', 'status', 'cut', 'error']) expect(line).not.toHaveProperty(none);
  });

  it('knows requests of HTTP/2', async () => {
    await using log = await answering({ ingress: { http2: { clear: true } } });
    const session = connectHttp2(`http://127.0.0.1:${log.relay.port}`);
    const stream = session.request({ ':path': '/h2' });
    await once(stream.resume(), 'close');
    session.close();
    expect(await log.next()).toMatchObject({ protocol: 'HTTP/2.0', target: '/h2', status: 200, bytes_out: 5 });
  });

  it('has requests of HTTP/2 that are refused, with what they say of themselves', async () => {
    await using log = await answering({ ingress: { http2: { clear: true } }, accessLog: { format: 'combined' } });
    const session = connectHttp2(`http://127.0.0.1:${log.relay.port}`);
    const stream = session.request({ ':method': 'CONNECT', ':authority': 'a:1', 'user-agent': 'probe' });
    await once(stream.resume(), 'close');
    session.close();
    await eventually(() => log.text() !== '');
    expect(log.text()).toMatch(/ 405 .* "probe" .* protocol=HTTP\/2\.0 .* error=BERTH_METHOD_NOT_ALLOWED /);
  });

  it('has errors alone where it is told so, and what a trusted proxy says of its client', async () => {
    await using log = await answering({
      accessLog: { mode: 'errors', query: true },
      policies: { '*': { access: { trustedProxies: ['127.0.0.1'] } } },
    });
    const { port } = log.relay;
    for (const path of ['/fine', '/500?a=b'])
      await (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'X-Forwarded-For': '203.0.113.9' } })).text();
    expect(await log.next()).toMatchObject({ client: '203.0.113.9', target: '/500?a=b', status: 500 });
    expect(log.text().split('\n')).toHaveLength(2);
  });

  it('is opened anew when asked, and counted', async () => {
    await using log = await answering();
    const { gateway, port } = log.relay;
    const { file } = gateway.settings.accessLog;
    renameSync(file, `${file}.1`);
    gateway.reopenLogs();
    await (await fetch(`http://127.0.0.1:${port}/after`)).text();
    expect(await log.next()).toMatchObject({ target: '/after' });
    expect(await metric(gateway, 'berth_access_log_lines_total')).toBe(1);
    expect(await metric(gateway, 'berth_access_log_dropped_lines_total')).toBe(0);
  });

  it('ends the start of a gateway whose file cannot be opened, with its name', async () => {
    await expect(testGateway({ accessLog: { mode: 'all', file: join(folder, 'none', 'a.log') } })).rejects.toThrow(
      /^accessLog\.file: cannot open .*a\.log/,
    );
  });
});
