import { eventually } from '@berth/testing';
import { ResetCode } from '@berth/exchange';
import type { FakeExchange } from '../../../../../libs/exchange/testing/fake-exchange.js';
import { RelayPort } from '../../../testing/relay-port.js';

const UPGRADE = 'GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n';
const SWITCH = { status: 101, reason: 'Switching Protocols', headers: ['Connection', 'Upgrade', 'Upgrade', 'chat'] };

describe('the relay of an upgrade', () => {
  let port: RelayPort;
  beforeEach(() => {
    port = new RelayPort();
  });
  afterEach(() => port.close());

  async function opened(): Promise<FakeExchange> {
    await eventually(() => port.pool.exchanges.length === 1);
    return port.pool.last;
  }

  it('keeps the client’s bytes until the 101, and is a pipe from then on', async () => {
    const client = await port.send(`${UPGRADE}early`);
    const exchange = await opened();
    expect(exchange.openHead).toMatchObject({ kind: 1, body: true, headers: ['Host', 'h', ...SWITCH.headers] });
    expect(exchange.calls).toEqual([]);
    exchange.sink.head(SWITCH);
    client.send('later');
    await eventually(() => exchange.calls.length === 2);
    exchange.sink.data(Buffer.from('hello'));
    await eventually(() => client.text().endsWith('hello'));
    expect(client.text()).toBe('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nhello');
    expect(exchange.calls).toEqual(['data early', 'data later', 'consumed 5']);
  });

  it('ends the halves of a pipe on their own', async () => {
    const client = await port.send(UPGRADE);
    const exchange = await opened();
    exchange.sink.head(SWITCH);
    client.socket.end();
    await eventually(() => exchange.calls.includes('end'));
    exchange.sink.data(Buffer.from('still'));
    await eventually(() => client.text().endsWith('still'));
    expect(client.ended).toBe(false);
    exchange.sink.end(undefined);
    await eventually(() => client.ended);
    await eventually(() => exchange.calls.includes('discard'));
    // What the client sent last may still be on its way.
    expect(exchange.calls).not.toContain(`reset ${ResetCode.cancelled}`);
  });

  it('resets the exchange of a client that broke the pipe off, or left before the answer', async () => {
    for (const piped of [true, false]) {
      const client = await port.send(UPGRADE);
      await eventually(() => port.pool.exchanges.length === (piped ? 1 : 2));
      const { last } = port.pool;
      if (piped) last.sink.head(SWITCH);
      client.socket.resetAndDestroy();
      await eventually(() => last.calls.includes('discard'));
      expect(last.calls).toContain(`reset ${ResetCode.cancelled}`);
    }
  });

  it('relays any other answer as plain HTTP, and the connection ends with it', async () => {
    const client = await port.send(UPGRADE);
    const exchange = await opened();
    exchange.sink.head({ status: 426, reason: 'No', headers: ['Content-Length', '2'] });
    exchange.sink.data(Buffer.from('no'));
    exchange.sink.end(undefined);
    await eventually(() => client.ended);
    expect(client.text()).toBe('HTTP/1.1 426 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
  });

  it('answers a failure before the 101, and breaks the pipe off behind it', async () => {
    const early = await port.send(UPGRADE);
    (await opened()).sink.failed({ code: 'connection-lost', message: '' });
    await eventually(() => early.ended);
    expect(early.text()).toMatch(/^HTTP\/1\.1 502 [^]*"code":"BERTH_AGENT_LOST"[^]*"request_id":"c1-1"/);
    const piped = await port.send(UPGRADE);
    await eventually(() => port.pool.exchanges.length === 2);
    port.pool.last.sink.head(SWITCH);
    await eventually(() => piped.text().startsWith('HTTP/1.1 101 '));
    port.pool.last.sink.failed({ code: 'connection-lost', message: '' });
    await eventually(() => piped.closed);
    expect(piped.ended).toBe(false);
    expect(port.context.service.stats.errors).toBe(2);
  });

  it('refuses a switch to what nobody asked for, and a head that is not HTTP', async () => {
    const heads = [['Upgrade', 'other'], [], ['Upgrade', 'chat', 'A', 'b\r\nc']];
    for (const [index, headers] of heads.entries()) {
      const client = await port.send(UPGRADE);
      await eventually(() => port.pool.exchanges.length === index + 1);
      port.pool.last.sink.head({ ...SWITCH, headers });
      await eventually(() => client.ended);
      expect(client.text()).toContain('BERTH_BAD_AGENT_RESPONSE');
      expect(port.pool.last.calls).toContain(`reset ${ResetCode.internal}`);
    }
  });
});
