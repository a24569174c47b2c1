import { status as Grpc } from '@grpc/grpc-js';
import { type IncomingExchange, ResetCode } from '@berth/exchange';
import { owning, eventually, localService, RawClient } from '@berth/testing';
import { agentDetail, codeIn, headLines, RawAgent, send, testAgent, testGateway } from '@berth/testing/system';
import { encodeFrame } from '../libs/tunnel-protocol/src/frame-encoder.js';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const wire = (...frames: string[]): Buffer => Buffer.from(frames.join(''), 'latin1');

describe('bad agents', () => {
  /** A bad agent with an exchange under way, and a good one beside it that must not notice. */
  async function setUp(): Promise<
    {
      bad: RawAgent;
      exchange: IncomingExchange;
      client: RawClient;
      port: number;
      goodStillThere: () => Promise<void>;
    } & AsyncDisposable
  > {
    await using stack = new AsyncDisposableStack();
    const gateway = stack.use(await testGateway());
    const service = stack.use(await localService((_request, response) => response.end('good')));
    const good = stack.use(await testAgent(gateway, service.port, { id: 'good' }));
    const before = await agentDetail(gateway, 'good');
    const bad = stack.use(await RawAgent.registered(gateway.grpcPort, 'bad'));
    const { port } = await bad.welcome;
    const client = stack.use(await RawClient.connect(port));
    client.send(GET);
    const exchange = await eventually(() => bad.opened[0]);
    return owning(
      {
        bad,
        exchange,
        client,
        port,
        async goodStillThere() {
          expect((await send(good.port)).text).toBe('good');
          const after = await agentDetail(gateway, 'good');
          expect(after.connection_list.map((it) => it.connection_id)).toEqual(
            before.connection_list.map((it) => it.connection_id),
          );
        },
      },
      stack,
    );
  }

  const head = (id: number, headers: string[] = []): string =>
    encodeFrame.head(id, { status: 200, reason: 'OK', headers });

  it.each<[string, (id: number) => Buffer]>([
    ['Data without Head', (id) => wire(encodeFrame.data(id, 'body'))],
    ['End without Head', (id) => wire(encodeFrame.end(id, undefined))],
    ['two Heads', (id) => wire(head(id), head(id))],
    ['a Head with a status below 200', (id) => wire(encodeFrame.head(id, { status: 150, reason: '', headers: [] }))],
    ['a 101 that nobody asked for', (id) => wire(encodeFrame.head(id, { status: 101, reason: '', headers: [] }))],
    [
      'an interim response behind the Head',
      (id) => wire(head(id), encodeFrame.informational(id, { status: 103, headers: [] })),
    ],
    [
      'a flood of interim responses',
      (id) => wire(encodeFrame.informational(id, { status: 103, headers: [] }).repeat(1000)),
    ],
    ['a number that was never opened', () => wire(head(4711))],
    [
      'an Open of its own',
      () => wire(encodeFrame.open(9, { kind: 0, method: 'GET', target: '/', headers: [], body: false })),
    ],
    ['Data beyond its credit', (id) => wire(head(id), encodeFrame.data(id, 'x'.repeat(30_000)).repeat(20))],
    ['a Data frame that is too large', (id) => wire(head(id), encodeFrame.data(id, 'x'.repeat(100_000)))],
    ['more credit than there are numbers', (id) => wire(encodeFrame.credit(id, 0x7fffffff).repeat(2))],
    ['bytes that are no batch', () => Buffer.from('\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff garbage', 'latin1')],
    ['a frame cut short', (id) => wire(head(id)).subarray(0, -1)],
    ['a message over the size limit', () => Buffer.alloc(2_000_000)],
  ])('%s ends that connection and no other', async (_name, bytes) => {
    await using setup = await setUp();
    const { bad, exchange, client, goodStillThere } = setup;
    bad.call.write(bytes(exchange.id));
    const { code } = await bad.status;
    expect([Grpc.INVALID_ARGUMENT, Grpc.RESOURCE_EXHAUSTED]).toContain(code);
    // Its client has a 502, or a connection that visibly broke off.
    await eventually(() => client.ended || client.closed || client.text().endsWith('}'));
    if (client.text().endsWith('}')) expect(client.text()).toContain('HTTP/1.1 502 Bad Gateway');
    else expect(client.text()).not.toMatch(/\r\n0\r\n\r\n$/);
    await goodStillThere();
  });

  it.each<[string, { reason?: string; headers?: string[] }]>([
    ['CR LF in a value', { headers: ['X-A', '1\r\nX-Injected: 1'] }],
    ['LF in a value', { headers: ['X-A', '1\nX-Injected: 1'] }],
    ['NUL in a value', { headers: ['X-A', 'a\0b'] }],
    ['a space in a name', { headers: ['X A', '1'] }],
    ['an empty name', { headers: ['', '1'] }],
    ['a name with CR LF', { headers: ['X-A: 1\r\nX-Injected', '1'] }],
    ['CR LF in the reason', { reason: 'OK\r\nX-Injected: 1' }],
    ['Content-Length beside Transfer-Encoding', { headers: ['Content-Length', '4', 'Transfer-Encoding', 'chunked'] }],
    ['two lengths', { headers: ['Content-Length', '4', 'content-length', '5'] }],
    ['a length that is none', { headers: ['Content-Length', '4x'] }],
    ['gzip as transfer coding', { headers: ['Transfer-Encoding', 'gzip'] }],
  ])('a head with %s costs that exchange: 502, and nothing of it gets through', async (_name, { reason, headers }) => {
    await using setup = await setUp();
    const { bad, exchange, client, port, goodStillThere } = setup;
    exchange.sendHead({ status: 200, reason: reason ?? 'OK', headers: headers ?? [] });
    exchange.sendData(Buffer.from('body'));
    exchange.sendEnd();
    await eventually(() => client.text().endsWith('}'));
    expect([headLines(client.text())[0], codeIn(client.text())]).toEqual([
      'HTTP/1.1 502 Bad Gateway',
      'BERTH_BAD_AGENT_RESPONSE',
    ]);
    expect(client.text()).not.toContain('Injected');
    // The connection stands: the next exchange is answered.
    const next = send(port);
    const other = await eventually(() => bad.opened[1]);
    other.sendHead({ status: 204, reason: '', headers: [] });
    other.sendEnd();
    expect((await next).status).toBe(204);
    await goodStillThere();
  });

  it('the same on an upgrade', async () => {
    await using setup = await setUp();
    const { bad, port, goodStillThere } = setup;
    await using stack = new AsyncDisposableStack();
    for (const [i, { reason, headers }] of [
      { reason: 'a\r\nX-Injected: 1', headers: [] },
      { reason: 'a', headers: ['X-A', '1\r\nX-Injected: 1'] },
      { reason: 'a', headers: ['X A', '1'] },
    ].entries()) {
      const client = stack.use(await RawClient.connect(port));
      client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
      const exchange = await eventually(() => bad.opened[i + 1]);
      exchange.sendHead({ status: 101, reason, headers });
      await eventually(() => client.ended);
      expect(codeIn(client.text())).toBe('BERTH_BAD_AGENT_RESPONSE');
      expect(client.text()).not.toContain('Injected');
    }
    await goodStillThere();
  });

  it('a response longer than its Content-Length is cut there, and its connection closed', async () => {
    await using setup = await setUp();
    const { exchange, client, goodStillThere } = setup;
    exchange.sendHead({ status: 200, reason: 'OK', headers: ['Content-Length', '4'] });
    exchange.sendData(Buffer.from('body and GET / HTTP/1.1'));
    exchange.sendEnd();
    await eventually(() => client.ended || client.closed);
    expect(client.text()).not.toContain('and GET');
    await goodStillThere();
  });

  it('a response longer than its Content-Length in a later frame does not reach the next answer', async () => {
    await using setup = await setUp();
    const { exchange, client, goodStillThere } = setup;
    exchange.sendHead({ status: 200, reason: 'OK', headers: ['Content-Length', '4'] });
    exchange.sendData(Buffer.from('body'));
    await eventually(() => client.text().endsWith('body'));
    exchange.sendData(Buffer.from('more'));
    await goodStillThere();
    expect(client.text()).toMatch(/\r\n\r\nbody$/);
  });

  it('a response shorter than its Content-Length breaks the connection', async () => {
    await using setup = await setUp();
    const { exchange, client, goodStillThere } = setup;
    exchange.sendHead({ status: 200, reason: 'OK', headers: ['Content-Length', '10'] });
    exchange.sendData(Buffer.from('body'));
    exchange.sendEnd();
    await eventually(() => client.ended || client.closed);
    expect(client.text()).toMatch(/\r\n\r\nbody$|^$/);
    await goodStillThere();
  });

  it('trailers that cannot be sent break the response off', async () => {
    await using setup = await setUp();
    const { exchange, client, goodStillThere } = setup;
    exchange.sendHead({ status: 200, reason: 'OK', headers: [] });
    exchange.sendData(Buffer.from('body'));
    exchange.sendEnd(['X-Sum', '1\r\nX-Injected: 1']);
    await eventually(() => client.ended || client.closed);
    expect(client.text()).not.toContain('Injected');
    await goodStillThere();
  });

  it.each([
    ['chunked', [], 'body', GET],
    ['of a known length', ['Content-Length', '10'], 'body', GET],
    ['without a body yet', [], '', GET],
    ['of a known length without a body yet', ['Content-Length', '10'], '', GET],
    ['that lasts until close', [], 'body', 'GET / HTTP/1.0\r\n\r\n'],
  ])('Head, Data and Reset in one batch: the client of an answer %s sees the break', async (...row) => {
    const [, headers, body, request] = row;
    await using setup = await setUp();
    const { bad, client, port, goodStillThere } = setup;
    client.destroy();
    await eventually(() => bad.opened[0]?.closed);
    using cut = await RawClient.connect(port);
    let reset = false;
    cut.socket.on('error', () => (reset = true));
    cut.send(request);
    const exchange = await eventually(() => bad.opened[1]);
    bad.call.write(
      wire(
        encodeFrame.head(exchange.id, { status: 200, reason: 'OK', headers }),
        ...(body === '' ? [] : [encodeFrame.data(exchange.id, body)]),
        encodeFrame.reset(exchange.id, ResetCode.localFailed, ''),
      ),
    );
    await eventually(() => cut.ended || cut.closed);
    // An end without a byte is what an idle connection looks like: clients send the request again, a POST as well.
    if (request === GET) {
      expect(headLines(cut.text())[0]).toBe('HTTP/1.1 200 OK');
      expect(cut.text()).toContain(body);
      expect(cut.text()).not.toMatch(/\r\n0\r\n\r\n$/);
    } else {
      await eventually(() => reset);
    }
    await goodStillThere();
  });

  it.each([
    [ResetCode.refused, 'HTTP/1.1 503', 'BERTH_AGENT_BUSY'],
    [ResetCode.localUnreachable, 'HTTP/1.1 502', 'BERTH_LOCAL_SERVICE_UNREACHABLE'],
    [ResetCode.localTimeout, 'HTTP/1.1 504', 'BERTH_RESPONSE_TIMEOUT'],
    [ResetCode.unsupported, 'HTTP/1.1 501', 'BERTH_UNSUPPORTED_EXCHANGE'],
    [77 as ResetCode, 'HTTP/1.1 502', 'BERTH_BAD_AGENT_RESPONSE'],
  ])('Reset %d becomes %s %s', async (code, line, expected) => {
    await using setup = await setUp();
    const { exchange, client, goodStillThere } = setup;
    exchange.reset(code, 'says the test');
    await eventually(() => client.text().endsWith('}'));
    expect(client.text().startsWith(line)).toBe(true);
    expect(codeIn(client.text())).toBe(expected);
    await goodStillThere();
  });
});
