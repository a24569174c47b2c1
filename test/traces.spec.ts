import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeepPartial } from '@berth/config';
import { eventually, listening, localService, owning } from '@berth/testing';
import {
  metric,
  type ReceivedSpan,
  type Relay,
  relayTo,
  relayToListener,
  spanReceiver,
  type SpanReceiver,
} from '@berth/testing/system';
import type { GatewaySettings } from 'berth-gateway';

const CLIENTS = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const FIRST = CLIENTS.replace('0af7', '0bf7');

const of = (spans: readonly ReceivedSpan[], maker: 'gateway' | 'agent'): ReceivedSpan =>
  spans.find((span) => span.maker === `berth-${maker}`) as ReceivedSpan;

/** trace id and span id that a header names */
const named = (traceparent: string | string[] | undefined): (string | undefined)[] =>
  String(traceparent).split('-').slice(1, 3);

interface Traced extends AsyncDisposable {
  relay: Relay;
  collector: SpanReceiver;
  /** headers of each request that reached the service */
  got: IncomingHttpHeaders[];
  ask(path?: string, headers?: Record<string, string>): Promise<Response>;
}

async function traced(
  tracing: DeepPartial<GatewaySettings['tracing']> = {},
  { agentToo = true, ...more }: DeepPartial<GatewaySettings> & { agentToo?: boolean } = {},
): Promise<Traced> {
  await using stack = new AsyncDisposableStack();
  const collector = stack.use(await spanReceiver());
  const { endpoint } = collector;
  const got: IncomingHttpHeaders[] = [];
  const relay = stack.use(
    await relayToListener(
      (request, response) => {
        got.push(request.headers);
        if (request.url === '/cut') request.socket.destroy();
        else {
          response.statusCode = request.url === '/500' ? 500 : 200;
          response.end('hello');
        }
      },
      {
        gateway: { ...more, tracing: { endpoint, sample: 1, ...tracing } },
        ...(agentToo && { agent: { tracing: { endpoint } } }),
      },
    ),
  );
  // The agent loads what makes spans beside its start.
  if (agentToo)
    await eventually(async () => {
      await (await fetch(`http://127.0.0.1:${relay.port}/first`, { headers: { traceparent: FIRST } })).text();
      return collector.spans.some(({ maker }) => maker === 'berth-agent');
    }, 20_000);
  collector.spans.length = 0;
  got.length = 0;
  const ask = async (path = '/', headers: Record<string, string> = {}): Promise<Response> =>
    await fetch(`http://127.0.0.1:${relay.port}${path}`, { headers });
  return owning({ relay, collector, got, ask }, stack);
}

describe('traces', () => {
  it('lead from the client over gateway and agent to the local service', async () => {
    await using it = await traced({ incoming: 'continue', headers: { 'X-Key': 'k1' } });
    const headers = { traceparent: CLIENTS, tracestate: 'vendor=1', 'user-agent': 'test' };
    await (await it.ask('/a/b?token=secret', headers)).text();
    const spans = await it.collector.until(2, named(CLIENTS)[0]);
    const [gateway, agent] = [of(spans, 'gateway'), of(spans, 'agent')];
    const [traceId, clientSpan] = named(CLIENTS);
    expect(spans.map((span) => span.traceId)).toEqual([traceId, traceId]);
    expect(gateway).toMatchObject({ parentId: clientSpan, kind: 2, name: 'GET', status: 0 });
    expect(agent).toMatchObject({ parentId: gateway.spanId, kind: 3, status: 0 });
    expect(named(it.got[0]?.['traceparent'])).toEqual([traceId, agent.spanId]);
    expect(it.got[0]?.['tracestate']).toBe('vendor=1');
    expect(gateway.attributes).toMatchObject({
      'berth.agent': 'agent-1',
      'berth.service': 'default',
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'http.response.body.size': 5,
      'url.path': '/a/b',
      'url.scheme': 'http',
      'network.protocol.version': '1.1',
      'client.address': '127.0.0.1',
      'server.port': it.relay.port,
    });
    expect(agent.attributes['berth.request_id']).toBe(gateway.attributes['berth.request_id']);
    expect(gateway.events.map(({ name }) => name)).toEqual(['sent', 'head']);
    expect(JSON.stringify(spans)).not.toContain('secret');
    // The agent has no such key.
    const key = { 'x-key': 'k1', 'content-type': 'application/x-protobuf' };
    expect(it.collector.headers).toContainEqual(expect.objectContaining(key));
  });

  it('are not those that a client names, unless the settings say so', async () => {
    await using it = await traced({}, { agentToo: false });
    await (await it.ask('/', { traceparent: CLIENTS, tracestate: 'vendor=1' })).text();
    const [span] = await it.collector.until(1);
    expect(span?.parentId).toBe('');
    expect(span?.traceId).not.toBe(named(CLIENTS)[0]);
    expect(named(it.got[0]?.['traceparent'])).toEqual([span?.traceId, span?.spanId]);
    expect(it.got[0]).not.toHaveProperty('tracestate');
  });

  it('are had by a share of the requests, and others pass as they came', async () => {
    await using it = await traced({ sample: 0, incoming: 'continue' }, { agentToo: false });
    await (await it.ask('/', { TraceParent: CLIENTS, tracestate: 'vendor=1' })).text();
    expect([it.got[0]?.['traceparent'], it.got[0]?.['tracestate']]).toEqual([CLIENTS, 'vendor=1']);
    await using trusting = await traced({ sample: 0, incoming: 'trust' }, { agentToo: false });
    await (await trusting.ask('/', { traceparent: CLIENTS.replace(/01$/, '00') })).text();
    await (await trusting.ask('/', { traceparent: 'nonsense' })).text();
    await (await trusting.ask('/', { traceparent: CLIENTS })).text();
    const spans = await trusting.collector.until(1);
    expect(spans.map(({ parentId }) => parentId)).toEqual([named(CLIENTS)[1]]);
    expect(it.collector.spans).toEqual([]);
  });

  it('of an agent are below those of the gateway alone: what a client sends makes none, whatever it says', async () => {
    await using it = await traced({ sample: 0.5 });
    const said = { traceparent: CLIENTS, tracestate: 'berth=traced', traced: 'true' };
    for (let i = 0; i < 40; i += 1) await (await it.ask('/', said)).text();
    const chosen = it.got.flatMap(({ traceparent }) => (traceparent === CLIENTS ? [] : [named(traceparent)]));
    const { spans } = it.collector;
    const ofAgent = (): (string | undefined)[][] =>
      spans.filter(({ maker }) => maker === 'berth-agent').map(({ traceId, spanId }) => [traceId, spanId]);
    await eventually(() => chosen.every(([traceId]) => ofAgent().some(([its]) => its === traceId)), 10_000);
    await it.relay.agent.stop();
    expect(ofAgent()).toEqual(expect.arrayContaining(chosen));
    expect(chosen.length).toBeLessThan(40);
    for (const clients of [CLIENTS, FIRST])
      expect(spans.filter(({ traceId }) => traceId === named(clients)[0])).toEqual([]);
  });

  it('are bounded in each second, whoever asks for them', async () => {
    await using it = await traced({ incoming: 'trust', maxPerSecond: 2 }, { agentToo: false });
    const began = Math.floor(performance.now() / 1000);
    for (let i = 0; i < 10; i += 1) await (await it.ask('/', { traceparent: CLIENTS })).text();
    const seconds = Math.floor(performance.now() / 1000) - began + 1;
    await it.collector.until(2);
    await it.relay.gateway.close();
    expect(it.collector.spans.length).toBeLessThanOrEqual(2 * seconds);
    expect(it.got).toHaveLength(10);
  });

  it('tell what went wrong: an error of the service, and one of the way to it', async () => {
    await using it = await traced();
    const lastTrace = async (): Promise<ReceivedSpan[]> =>
      await it.collector.until(2, named(it.got.at(-1)?.['traceparent'])[0]);
    await (await it.ask('/500')).text();
    const failed = await lastTrace();
    const attributes = { 'error.type': '500', 'http.response.status_code': 500 };
    for (const maker of ['gateway', 'agent'] as const)
      expect(of(failed, maker)).toMatchObject({ status: 2, attributes });

    expect((await it.ask('/cut', { 'x-a': 'b' })).status).toBe(502);
    const spans = await lastTrace();
    expect(of(spans, 'gateway')).toMatchObject({
      status: 2,
      attributes: { 'error.type': 'BERTH_LOCAL_SERVICE_FAILED', 'http.response.status_code': 502 },
    });
    expect(of(spans, 'gateway').events.at(-1)).toMatchObject({
      name: 'cut_off',
      attributes: { 'berth.reason': 'upstream_error' },
    });
    expect(of(spans, 'agent')).toMatchObject({ status: 2, attributes: { 'error.type': 'local_failed' } });
  });

  it('have a WebSocket, and lead to its service', async () => {
    await using stack = new AsyncDisposableStack();
    const collector = stack.use(await spanReceiver());
    const service = stack.use(await localService(() => undefined));
    let traceparent: string | string[] | undefined;
    service.server.on('upgrade', (request, socket: Socket) => {
      ({ traceparent } = request.headers);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      socket.once('data', () => socket.end('answer'));
    });
    const tracing = { endpoint: collector.endpoint };
    const relay = stack.use(await relayTo(service.port, { gateway: { tracing: { ...tracing, sample: 1 } } }));
    const asking = httpRequest(`http://127.0.0.1:${relay.port}/ws`, {
      headers: { connection: 'Upgrade', upgrade: 'websocket' },
    }).end();
    const [, socket] = (await once(asking, 'upgrade')) as [IncomingMessage, Socket];
    socket.resume().end('hi');
    await once(socket, 'close');
    const [span] = await collector.until(1);
    expect(span).toMatchObject({
      status: 0,
      attributes: { 'http.response.status_code': 101, 'http.request.body.size': 2, 'http.response.body.size': 6 },
    });
    expect(named(traceparent)).toEqual([span?.traceId, span?.spanId]);
  });

  it('have connections of raw TCP, and stand in the access log', async () => {
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), 'berth-traces-'));
    stack.defer(() => {
      rmSync(folder, { recursive: true });
    });
    const collector = stack.use(await spanReceiver());
    const service = stack.use(
      await listening(createTcpServer((socket) => socket.on('error', () => undefined).end('x'))),
    );
    const file = join(folder, 'access.log');
    const settings = {
      tracing: { endpoint: collector.endpoint, sample: 1 },
      accessLog: { mode: 'all' as const, file },
    };
    const relay = stack.use(await relayTo(`tcp://127.0.0.1:${service.port}`, { gateway: settings }));
    // No HTTP comes of it.
    await expect(fetch(`http://127.0.0.1:${relay.port}/`)).rejects.toThrow();
    const [span] = await collector.until(1);
    expect(span).toMatchObject({ name: 'tcp', attributes: { 'network.transport': 'tcp', 'berth.agent': 'agent-1' } });
    const line = await eventually(() => readFileSync(file, 'utf8').split('\n').slice(0, -1)[0]);
    expect(JSON.parse(line)).toMatchObject({ trace_id: span?.traceId });
  });

  it('cost no request when their collector says nothing, and end with the gateway', async () => {
    const asked: { response: ServerResponse; closed: Promise<unknown> }[] = [];
    const silent = createServer((_, response) => asked.push({ response, closed: once(response, 'close') }));
    await using collector = await listening(silent);
    const tracing = { endpoint: `http://127.0.0.1:${collector.port}`, sample: 1, shutdownTimeoutMs: 50 };
    await using relay = await relayToListener((_, response) => response.end('x'), { gateway: { tracing } });
    const ask = async (): Promise<void> => {
      expect((await fetch(`http://127.0.0.1:${relay.port}/`)).status).toBe(200);
    };
    await ask();
    await eventually(() => asked.length > 0, 10_000);
    await ask();
    for (const outcome of ['exported', 'failed', 'dropped'])
      expect(await metric(relay.gateway, `berth_trace_spans_total{outcome="${outcome}"}`)).toBe(0);
    await relay.gateway.close();
    await Promise.all(asked.map(({ closed }) => closed));
    expect(asked.map(({ response }) => response.headersSent)).not.toContain(true);
  });
});
