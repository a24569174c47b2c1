import { createHash } from 'node:crypto';
import { constants, type OutgoingHttpHeaders } from 'node:http2';
import { eventually } from '@berth/testing';
import { ResetCode } from '@berth/exchange';
import { headerValue } from '@berth/http-rules';
import type { FakeExchange } from '../../../../../libs/exchange/testing/fake-exchange.js';
import { ask, Http2TestPort } from '../../../testing/http2-port.js';

const CONNECT = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'http',
  ':path': '/chat?x',
  ':authority': 'h',
};

describe('a WebSocket over HTTP/2', () => {
  let port: Http2TestPort;
  beforeEach(async () => {
    port = await Http2TestPort.start();
  });
  afterEach(() => port[Symbol.asyncDispose]());

  async function asked(headers: OutgoingHttpHeaders = {}) {
    const asking = ask(await port.connect(), { ...CONNECT, ...headers }, false);
    await eventually(() => port.pool.exchanges.length === 1 || asking.got.closed);
    return { ...asking, exchange: port.pool.last };
  }

  function accept(exchange: FakeExchange, more: string[] = []): void {
    const key = headerValue(exchange.openHead.headers, 'sec-websocket-key') ?? '';
    const value = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    const headers = ['Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Accept', value, ...more];
    exchange.sink.head({ status: 101, reason: '', headers });
  }

  it('is an upgrade to the service, whose 101 is a 200, and then a pipe', async () => {
    const { got, stream, exchange } = await asked({ 'sec-websocket-protocol': 'a', 'sec-websocket-key': 'theirs' });
    const { headers } = exchange.openHead;
    expect(exchange.openHead).toMatchObject({ kind: 1, method: 'GET', target: '/chat?x', body: true });
    const key = headerValue(headers, 'sec-websocket-key') as string;
    expect(Buffer.from(key, 'base64')).toHaveLength(16);
    expect(headers).toEqual([
      ...['host', 'h', 'sec-websocket-protocol', 'a', 'Connection', 'Upgrade', 'Upgrade', 'websocket'],
      ...['Sec-WebSocket-Key', key],
    ]);
    stream.write('early');
    accept(exchange, ['Sec-WebSocket-Protocol', 'a']);
    await eventually(() => got.head !== undefined);
    expect(Object.fromEntries(Object.entries(got.head ?? {}))).toMatchObject({
      ':status': 200,
      'sec-websocket-protocol': 'a',
    });
    expect(Object.keys(got.head ?? {})).not.toContain('sec-websocket-accept');
    await eventually(() => exchange.calls.includes('data early'));
    exchange.sink.data(Buffer.from('hello'));
    await eventually(() => got.body === 'hello');
    // The halves end on their own.
    stream.end();
    await eventually(() => exchange.calls.includes('end'));
    exchange.sink.data(Buffer.from(' still'));
    exchange.sink.end(undefined);
    await eventually(() => got.closed);
    expect(got).toMatchObject({ body: 'hello still', code: 0 });
    await eventually(() => exchange.calls.includes('discard'));
    expect(exchange.calls).not.toContain(`reset ${ResetCode.cancelled}`);
  });

  it('that its client breaks off is reset at the service', async () => {
    const { got, stream, exchange } = await asked();
    accept(exchange);
    await eventually(() => got.head !== undefined);
    stream.close(constants.NGHTTP2_CANCEL);
    await eventually(() => exchange.calls.includes('discard'));
    expect(exchange.calls).toContain(`reset ${ResetCode.cancelled}`);
  });

  it('that its service breaks off is reset at the client', async () => {
    const { got, exchange } = await asked();
    accept(exchange);
    await eventually(() => got.head !== undefined);
    exchange.sink.failed({ code: 'connection-lost', message: '' });
    await eventually(() => got.closed);
    expect(got.code).toBe(constants.NGHTTP2_CANCEL);
  });

  it('gets the answer of a service that wants none', async () => {
    const { got, exchange } = await asked();
    exchange.sink.head({ status: 403, reason: '', headers: ['Content-Length', '2'] });
    exchange.sink.data(Buffer.from('no'));
    exchange.sink.end(undefined);
    await eventually(() => got.closed);
    expect(got).toMatchObject({ head: { ':status': 403 }, body: 'no', code: 0 });
  });

  it.each([
    ['another protocol', ['Upgrade', 'other', 'Connection', 'Upgrade']],
    ['a wrong accept', ['Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Accept', 'x']],
  ])('does not switch to %s', async (_, headers) => {
    const { got, exchange } = await asked();
    exchange.sink.head({ status: 101, reason: '', headers });
    await eventually(() => got.closed);
    expect(got.head?.[':status']).toBe(502);
    expect(got.body).toContain('BERTH_BAD_AGENT_RESPONSE');
  });

  it('is the only protocol that CONNECT may ask for', async () => {
    const { got } = await asked({ ':protocol': 'connect-udp' });
    await eventually(() => got.closed);
    expect(got.head?.[':status']).toBe(501);
    expect(port.pool.requests).toEqual([]);
  });
});
