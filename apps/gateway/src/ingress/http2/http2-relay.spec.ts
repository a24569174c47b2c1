import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { eventually, settled } from '@berth/testing';
import { BerthError } from '@berth/errors';
import { ResetCode } from '@berth/exchange';
import { H2, H2_PREFACE, h2Frame } from '@berth/testing/system';
import { ask, Http2TestPort, rawHead, rawReset } from '../../../testing/http2-port.js';

const GET = { ':path': '/a?b' };
const POST = { ':method': 'POST', ':path': '/' };

/** Without the symbols that Node adds. */
const plain = (headers: IncomingHttpHeaders | undefined) => Object.fromEntries(Object.entries(headers ?? {}));

describe('the relay of a request of HTTP/2', () => {
  let port: Http2TestPort;
  beforeEach(async () => {
    port = await Http2TestPort.start();
  });
  afterEach(() => port[Symbol.asyncDispose]());

  async function asked(headers: OutgoingHttpHeaders, endStream = true) {
    const before = port.pool.exchanges.length;
    const client = await port.connect();
    const asking = ask(client, headers, endStream);
    await eventually(() => port.pool.exchanges.length > before || asking.got.closed);
    return { ...asking, client, exchange: port.pool.last };
  }

  it('opens an exchange with its head, and its answer is the client’s', async () => {
    const { got, exchange } = await asked({
      ...GET,
      ':authority': 'h',
      a: '1',
      cookie: ['x=1', 'y=2'],
      te: 'trailers',
    });
    expect(port.pool.requests[0]).toMatchObject({
      openHead: {
        kind: 0,
        method: 'GET',
        target: '/a?b',
        headers: ['host', 'h', 'a', '1', 'cookie', 'x=1; y=2', 'te', 'trailers'],
        body: false,
      },
      clientAddress: '127.0.0.1',
    });
    const headers = [
      'A',
      '1',
      'Set-Cookie',
      'a',
      'Set-Cookie',
      'b',
      'Connection',
      'X',
      'X',
      '1',
      'Keep-Alive',
      'timeout=5',
    ];
    exchange.sink.head({ status: 200, reason: 'Fine', headers: [...headers, 'Content-Length', '2'] });
    exchange.sink.data(Buffer.from('ok'));
    exchange.sink.end(undefined);
    await eventually(() => exchange.calls.includes('discard'));
    await eventually(() => got.closed);
    expect(got).toMatchObject({ body: 'ok', code: 0 });
    expect(plain(got.head)).toEqual({ ':status': 200, a: '1', 'set-cookie': ['a', 'b'], 'content-length': '2' });
    expect(exchange.calls).toEqual(['consumed 2', `reset ${ResetCode.cancelled}`, 'discard']);
  });

  it('sends the body with its trailers, and pauses the client for want of room', async () => {
    const { exchange, stream } = await asked(POST, false);
    exchange.hasRoom = false;
    stream.write('a');
    await eventually(() => exchange.calls.length === 1);
    stream.on('wantTrailers', () => stream.sendTrailers({ t: '1', 'content-length': '1' }));
    stream.end('b');
    exchange.hasRoom = true;
    exchange.sink.writable();
    await eventually(() => exchange.calls.length >= 3);
    expect(exchange.openHead.body).toBe(true);
    expect(exchange.calls.slice(0, 2)).toEqual(['data a', 'data b']);
  });

  it('passes interim answers and trailers on', async () => {
    const { got, exchange } = await asked(GET);
    exchange.sink.informational({ status: 103, headers: ['Link', '</a>', 'Link', '</b>'] });
    exchange.sink.head({ status: 200, reason: '', headers: [] });
    exchange.sink.data(Buffer.from('x'));
    exchange.sink.end(['Grpc-Status', '0', 'Content-Length', '3']);
    await eventually(() => got.closed);
    expect(got.interim.map(plain)).toEqual([{ ':status': 103, link: '</a>, </b>' }]);
    expect(plain(got.trailers)).toEqual({ 'grpc-status': '0' });
    expect(got).toMatchObject({ body: 'x', code: 0 });
  });

  it('gives a failure before the head as an answer that names it, counted once', async () => {
    const { got, exchange } = await asked(GET);
    exchange.sink.failed({ code: ResetCode.localUnreachable, message: 'nothing listens' });
    await eventually(() => got.closed);
    expect(got.head).toMatchObject({ ':status': 502, 'berth-request-reached': 'no', 'cache-control': 'no-store' });
    expect(got.body).toContain('"code":"BERTH_LOCAL_SERVICE_UNREACHABLE"');
    expect(got.body).toContain('"request_id":"c1-1"');
    expect(port.context.service.stats).toMatchObject({ errors: 1, statusClasses: [0, 0, 0, 0, 0, 1] });
  });

  it('gives an error as a problem to a client that asks for one', async () => {
    const { got, exchange } = await asked({ ...GET, ':path': '/a?b=c', accept: 'application/problem+json' });
    exchange.sink.failed({ code: ResetCode.refused, message: '' });
    await eventually(() => got.closed);
    expect(got.head).toMatchObject({ ':status': 503, 'content-type': 'application/problem+json' });
    expect(JSON.parse(got.body)).toMatchObject({ status: 503, instance: '/a', request_id: 'c1-1' });
  });

  it('answers HEAD with the head of an error alone', async () => {
    const { got, exchange } = await asked({ ':method': 'HEAD', ':path': '/' });
    exchange.sink.failed({ code: ResetCode.refused, message: '' });
    await eventually(() => got.closed);
    expect(got).toMatchObject({ head: { ':status': 503, 'retry-after': '3' }, body: '', code: 0 });
  });

  it('gives a call of gRPC the status of an error in a head alone', async () => {
    const error = new BerthError('BERTH_AGENT_UNAVAILABLE', 'none: 100 %');
    port.pool.failure = { code: ResetCode.refused, message: '', error };
    const { got } = await asked({ ...POST, 'content-type': 'application/grpc+proto' });
    await eventually(() => got.closed);
    expect(got.head).toMatchObject({
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': '14',
      'berth-request-reached': 'no',
    });
    expect(got.head?.['grpc-message']).toMatch(/^none: 100 %25 \(BERTH_AGENT_UNAVAILABLE, request req-\w+\)$/);
    expect(got).toMatchObject({ body: '', trailers: undefined, code: 0 });
  });

  it('ends the stream with the head of a gRPC answer that is nothing but its status', async () => {
    const client = await port.raw(H2_PREFACE, rawHead(1, { 'content-type': 'application/grpc' }, 5));
    await eventually(() => port.pool.exchanges.length === 1);
    port.pool.last.sink.head({ status: 200, reason: '', headers: ['grpc-status', '12'] });
    port.pool.last.sink.end(undefined);
    await eventually(() => port.pool.last.calls.includes('discard'));
    // HEADERS with END_STREAM and END_HEADERS of stream 1, and no DATA.
    await eventually(() => client.text().includes('\x01\x05\x00\x00\x00\x01'));
    expect(client.text()).not.toContain('\x00\x01\x00\x00\x00\x01');
  });

  it('lets a status in a head be followed by more', async () => {
    const { got, exchange } = await asked(GET);
    exchange.sink.head({ status: 200, reason: '', headers: ['grpc-status', '0'] });
    exchange.sink.data(Buffer.from('x'));
    exchange.sink.end(undefined);
    await eventually(() => got.closed);
    expect(got).toMatchObject({ head: { 'grpc-status': '0' }, body: 'x', code: 0 });
  });

  it('resets the stream when a failure comes behind the head, after what there was', async () => {
    const { got, exchange, client } = await asked(GET);
    exchange.sink.head({ status: 200, reason: '', headers: [] });
    exchange.sink.data(Buffer.from('some'));
    exchange.sink.failed({ code: 'connection-lost', message: '' });
    await eventually(() => got.closed);
    expect(got).toMatchObject({ body: 'some', code: constants.NGHTTP2_INTERNAL_ERROR });
    expect(port.context.service.stats.errors).toBe(1);
    expect(client.destroyed).toBe(false);
  });

  it.each([
    ['longer', 'too much'],
    ['shorter', 'a'],
  ])('resets an answer that is %s than its Content-Length', async (_, body) => {
    const { got, exchange } = await asked(GET);
    exchange.sink.head({ status: 200, reason: '', headers: ['Content-Length', '3'] });
    exchange.sink.data(Buffer.from(body));
    if (!exchange.closed) exchange.sink.end(undefined);
    await eventually(() => got.closed);
    expect(got.code).not.toBe(0);
    expect(exchange.calls).toContain(`reset ${ResetCode.internal}`);
  });

  it.each([
    ['a line break', 200, ['A', 'b\r\nc']],
    ['a name that is none', 200, ['A b', 'c']],
    ['a status beyond HTTP/2', 700, []],
    ['a value beyond its frames', 200, ['A', 'x'.repeat(65_000)]],
  ])('answers in place of a head with %s', async (_, status, headers) => {
    const { got, exchange } = await asked(GET);
    exchange.sink.head({ status, reason: '', headers });
    await eventually(() => got.closed);
    expect(got.head?.[':status']).toBe(502);
    expect(got.body).toContain('BERTH_BAD_AGENT_RESPONSE');
    expect(exchange.calls[0]).toBe(`reset ${ResetCode.internal}`);
  });

  it.each([
    ['cancelled', constants.NGHTTP2_CANCEL],
    ['reset without a fault', constants.NGHTTP2_NO_ERROR],
  ])('takes a stream that is %s for no end of its body', async (_, code) => {
    const client = await port.raw(H2_PREFACE, rawHead(1), h2Frame(H2.data, 0, 1, Buffer.from('part')));
    await eventually(() => port.pool.exchanges.length === 1 && port.pool.last.calls.length === 1);
    client.send(rawReset(1, code));
    await eventually(() => port.pool.last.calls.includes('discard'));
    expect(port.pool.last.calls).toEqual(['data part', `reset ${ResetCode.cancelled}`, 'discard']);
  });

  it('resets and discards the exchanges of a client that left', async () => {
    const client = await port.raw(H2_PREFACE, rawHead(1), rawHead(3));
    await eventually(() => port.pool.exchanges.length === 2);
    client.destroy();
    const gone = [`reset ${ResetCode.cancelled}`, 'discard'];
    await eventually(() => port.pool.exchanges.every(({ calls }) => calls.length === 2));
    expect(port.pool.exchanges.map(({ calls }) => calls)).toEqual([gone, gone]);
  });

  it('ends a request whose answer is complete, without a fault', async () => {
    const { exchange, got, stream } = await asked(POST, false);
    stream.write('part');
    await eventually(() => exchange.calls.length === 1);
    exchange.sink.head({ status: 413, reason: '', headers: [] });
    exchange.sink.data(Buffer.from('no'));
    exchange.sink.end(['x-t', '1']);
    await eventually(() => got.closed);
    expect(got).toMatchObject({ head: { ':status': 413 }, body: 'no', trailers: { 'x-t': '1' }, code: 0 });
    await eventually(() => exchange.calls.includes('discard'));
  });

  it('calls off what waits for a client that left', async () => {
    let cancelled = 0;
    let waiting = 0;
    Object.assign(port.context, {
      dispatch: (_: unknown, sink: { waiting(wait: { cancel(): void }): void }) => {
        waiting += 1;
        sink.waiting({ cancel: () => (cancelled += 1) });
      },
    });
    const { stream } = ask(await port.connect(), GET);
    await eventually(() => waiting === 1);
    stream.close(constants.NGHTTP2_CANCEL);
    await eventually(() => cancelled > 0);
  });

  it('gives credit back only as fast as the client takes its answer', async () => {
    const { exchange, stream } = await asked(GET);
    stream.pause();
    exchange.sink.head({ status: 200, reason: '', headers: [] });
    const chunk = Buffer.alloc(65_536, 'x');
    for (let i = 0; i < 64; i += 1) exchange.sink.data(chunk);
    await settled(() => exchange.calls.length);
    const consumed = (): number =>
      exchange.calls
        .filter((call) => call.startsWith('consumed'))
        .reduce((sum, call) => sum + Number(call.slice(9)), 0);
    expect(consumed()).toBeLessThan(2 * 1024 * 1024);
    exchange.sink.end(undefined);
    stream.resume();
    await eventually(() => consumed() === 64 * 65_536);
    await eventually(() => exchange.calls.includes('discard'));
  });

  describe('refuses', () => {
    it.each([
      ['a Host that contradicts :authority', { ':authority': 'a', host: 'b' }, 400],
      ['an authority that is none', { ':authority': 'a:b' }, 400],
      ['an unknown method', { ':method': 'FOO' }, 400],
      ['a target that is too long', { ':path': `/${'x'.repeat(1000)}` }, 414],
      ['bytes in a target that HTTP/1.1 cannot carry', { ':path': '/\u00e4' }, 400],
    ])('%s', async (_, headers, status) => {
      const { got } = await asked({ ':path': '/', ...headers });
      await eventually(() => got.closed);
      expect(got.head?.[':status'] ?? got.code).toBe(status);
      expect([port.pool.requests, port.context.service.stats.errors]).toEqual([[], 0]);
    });

    it('CONNECT, as on HTTP/1.1', async () => {
      const { got } = await asked({ ':method': 'CONNECT', ':authority': 'example.org:443' }, false);
      await eventually(() => got.closed);
      expect(got.head?.[':status']).toBe(405);
    });
  });
});
