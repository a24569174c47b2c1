import { eventually } from '@berth/testing';
import { BerthError } from '@berth/errors';
import { ResetCode } from '@berth/exchange';
import type { FakeExchange } from '../../../../../libs/exchange/testing/fake-exchange.js';
import { RelayPort } from '../../../testing/relay-port.js';

const GET = 'GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('the relay of a request', () => {
  let port: RelayPort;
  beforeEach(() => {
    port = new RelayPort();
  });
  afterEach(() => port.close());

  async function opened(count = 1): Promise<FakeExchange> {
    await eventually(() => port.pool.exchanges.length === count);
    return port.pool.last;
  }

  it('opens an exchange with its head, and its answer is the client’s', async () => {
    const client = await port.send(GET);
    const exchange = await opened();
    expect(port.pool.requests[0]).toMatchObject({
      openHead: { kind: 0, method: 'GET', target: '/a?b', headers: ['Host', 'h'], body: false },
      clientAddress: '127.0.0.1',
    });
    exchange.sink.head({ status: 200, reason: 'Fine', headers: ['A', '1', 'Content-Length', '2'] });
    exchange.sink.data(Buffer.from('ok'));
    exchange.sink.end(undefined);
    await eventually(() => exchange.calls.includes('discard'));
    await eventually(() => client.text().endsWith('ok'));
    expect(client.text()).toBe(
      'HTTP/1.1 200 Fine\r\nA: 1\r\nContent-Length: 2\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\nok',
    );
    expect(exchange.calls).toEqual(['consumed 2', `reset ${ResetCode.cancelled}`, 'discard']);
  });

  it('sends the body with its trailers, and pauses the client for want of room', async () => {
    const client = await port.send(POST);
    const exchange = await opened();
    exchange.hasRoom = false;
    client.send('1\r\na\r\n');
    await eventually(() => exchange.calls.length === 1);
    client.send('1\r\nb\r\n0\r\nT: 1\r\n\r\n');
    exchange.hasRoom = true;
    exchange.sink.writable();
    await eventually(() => exchange.calls.length === 3);
    expect(exchange.calls).toEqual(['data a', 'data b', 'end T,1']);
  });

  it('answers one request of a connection after the other', async () => {
    const client = await port.send(GET + GET);
    const first = await opened();
    first.sink.head({ status: 204, reason: '', headers: [] });
    first.sink.end(undefined);
    const second = await opened(2);
    second.sink.head({ status: 204, reason: '', headers: [] });
    second.sink.end(undefined);
    await eventually(() => client.text().split('HTTP/1.1 204').length === 3);
  });

  it('gives a failure before the head as an answer that names it, counted once', async () => {
    const client = await port.send(GET);
    const exchange = await opened();
    exchange.sink.failed({ code: ResetCode.localUnreachable, message: 'nothing listens' });
    await eventually(() => client.text().endsWith('}'));
    expect(client.text()).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
    expect(client.text()).toContain('"code":"BERTH_LOCAL_SERVICE_UNREACHABLE"');
    expect(client.text()).toContain('"request_id":"c1-1"');
    expect(port.context.service.stats).toMatchObject({ errors: 1, statusClasses: [0, 0, 0, 0, 0, 1] });
  });

  it('gives the error that a handler decided on, also without an exchange', async () => {
    const error = new BerthError('BERTH_AGENT_UNAVAILABLE', 'none there');
    port.pool.failure = { code: ResetCode.refused, message: '', error };
    const client = await port.send(GET);
    await eventually(() => client.text().endsWith('}'));
    expect(client.text()).toContain('Retry-After: 3\r\n');
    expect(client.text()).toMatch(/"message":"none there","request_id":"req-\w+"/);
  });

  it('breaks the connection off when a failure comes behind the head', async () => {
    const client = await port.send(GET);
    const exchange = await opened();
    exchange.sink.head({ status: 200, reason: '', headers: [] });
    exchange.sink.data(Buffer.from('some'));
    exchange.sink.failed({ code: 'connection-lost', message: '' });
    await eventually(() => client.ended);
    expect(client.text()).toContain('some');
    expect(client.text().endsWith('0\r\n\r\n')).toBe(false);
    expect(port.context.service.stats.errors).toBe(1);
  });

  it.each([
    ['longer', 'too much'],
    ['shorter', 'a'],
  ])('breaks an answer off that is %s than its Content-Length', async (_, body) => {
    const client = await port.send(GET);
    const exchange = await opened();
    exchange.sink.head({ status: 200, reason: '', headers: ['Content-Length', '3'] });
    exchange.sink.data(Buffer.from(body));
    if (!exchange.closed) exchange.sink.end(undefined);
    await eventually(() => client.ended);
    expect(exchange.calls).toContain(`reset ${ResetCode.internal}`);
  });

  it('answers in place of a head that is not HTTP', async () => {
    const client = await port.send(GET);
    const exchange = await opened();
    exchange.sink.head({ status: 200, reason: '', headers: ['A', 'b\r\nc'] });
    await eventually(() => client.text().endsWith('}'));
    expect(client.text()).toContain('BERTH_BAD_AGENT_RESPONSE');
    expect(exchange.calls[0]).toBe(`reset ${ResetCode.internal}`);
  });

  it('resets and discards the exchange of a client that left', async () => {
    const client = await port.send(GET);
    const exchange = await opened();
    client.destroy();
    await eventually(() => exchange.calls.length === 2);
    expect(exchange.calls).toEqual([`reset ${ResetCode.cancelled}`, 'discard']);
  });

  it('calls off what waits for a client that left, and for one whose body is not HTTP', async () => {
    for (const leave of [true, false]) {
      let cancelled = 0;
      let waiting = 0;
      Object.assign(port.context, {
        dispatch: (_: unknown, sink: { waiting(wait: { cancel(): void }): void }) => {
          waiting += 1;
          sink.waiting({ cancel: () => (cancelled += 1) });
        },
      });
      const client = await port.send(leave ? GET : POST);
      await eventually(() => waiting === 1);
      if (leave) client.destroy();
      else client.send('not a chunk\r\n');
      await eventually(() => cancelled > 0);
      if (!leave) await eventually(() => client.text().startsWith('HTTP/1.1 400 '));
    }
  });

  it('ends the connection behind an answer that a handler gave before the body had come', async () => {
    Object.assign(port.context, {
      dispatch: (_: unknown, sink: FakeExchange['sink']) => {
        sink.head({ status: 403, reason: 'Forbidden', headers: ['Content-Length', '0'] });
        sink.end(undefined);
      },
    });
    const client = await port.send(POST);
    await eventually(() => client.text().includes('\r\n\r\n'));
    expect(client.text()).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[^]*Connection: close\r\n/);
  });

  it('refuses what cannot be relayed without an exchange, and counts no error of the agent', async () => {
    const client = await port.send('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
    await eventually(() => client.text().endsWith('}'));
    expect(client.text()).toMatch(/^HTTP\/1\.1 400 /);
    expect([port.pool.requests, port.context.service.stats.errors]).toEqual([[], 0]);
  });
});
