import { jest } from '@jest/globals';
import { answer, ExchangeKind, ResetCode } from '@berth/exchange';
import { FakeClient, FakePool, fakeRequest } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import { ruleLab } from '../../../testing/rule-lab.js';
import { policyOf } from '../policy-schema.js';
import { bandwidth } from './bandwidth.js';

/** Of a rate of 1000 bytes per second, so many pass at once. */
const AT_ONCE = 50;

class Client extends FakeClient {
  bytes = 0;
  trailers: string[] | undefined;
  movements = 0;
  /** bytes at which it leaves */
  leavesAt = Infinity;

  override data(bytes: Buffer): void {
    super.data(bytes);
    this.bytes += bytes.length;
    if (this.bytes >= this.leavesAt) this.exchange.reset(ResetCode.cancelled);
  }

  override end(trailers?: string[]): void {
    super.end();
    this.trailers = trailers;
  }

  progressed(): void {
    this.movements += 1;
  }

  /** Without the bytes, however they were cut. */
  get said(): string[] {
    return this.calls.filter((call) => !call.startsWith('data'));
  }
}

/** One exchange at 1000 bytes per second in the given directions. */
function make(rules: { toClients?: number; fromClients?: number }, kind: ExchangeKind = ExchangeKind.http) {
  const policy = policyOf(Object.entries(rules).map(([key, value]) => ({ path: `bandwidth.${key}`, value })));
  const context = ruleLab();
  const pool = new FakePool();
  const dispatch = bandwidth.make(policy, context)?.(pool.dispatch) ?? pool.dispatch;
  const open = (): Client => {
    const client = new Client();
    dispatch(fakeRequest({ kind, body: true }), client);
    return client;
  };
  const client = open();
  return { client, pool, agent: pool.last, open };
}

/** Bytes that the agent got. */
const sent = (calls: readonly string[]): number =>
  calls.reduce((sum, call) => sum + (call.startsWith('data ') ? call.length - 5 : 0), 0);
const bytesOf = (length: number): Buffer => Buffer.alloc(length, 'x');

describe('bandwidth', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is no rule where there is no rate', () => {
    const { client, agent } = make({});
    expect(client.exchange).toBe(agent);
  });

  it('holds bytes to clients back, with the end and its trailers behind them, and gives back what was taken alone', () => {
    const { client, agent } = make({ toClients: 1000 });
    agent.sink.head({ status: 200, reason: '', headers: [] });
    agent.sink.data(bytesOf(500));
    agent.sink.end(['T', '1']);
    expect([client.bytes, client.said]).toEqual([AT_ONCE, ['opened', 'head 200']]);
    expect(agent.calls.map((call) => Number(call.split(' ')[1])).reduce((a, b) => a + b)).toBe(AT_ONCE);
    jest.advanceTimersByTime(400);
    expect([client.bytes, client.said.at(-1)]).toEqual([450, 'head 200']);
    jest.advanceTimersByTime(60);
    expect([client.bytes, client.said.at(-1), client.trailers]).toEqual([500, 'end', ['T', '1']]);
    client.exchange.discard();
    expect([agent.calls.at(-1), jest.getTimerCount()]).toEqual(['discard', 0]);
  });

  it('keeps the bytes as they are', () => {
    const { client, agent } = make({ toClients: 100_000 });
    const text = Array.from({ length: 5000 }, (_, i) => String(i)).join();
    for (let at = 0; at < text.length; at += 777) agent.sink.data(Buffer.from(text.slice(at, at + 777)));
    agent.sink.data(Buffer.alloc(0));
    agent.sink.end(undefined);
    jest.advanceTimersByTime(1000);
    expect(
      client.calls
        .slice(1, -1)
        .map((call) => call.slice(5))
        .join(''),
    ).toBe(text);
  });

  it('drops what waits when the exchange fails, is reset or left', () => {
    const failing = make({ toClients: 1000 });
    failing.agent.sink.data(bytesOf(500));
    failing.agent.sink.end(undefined);
    failing.agent.sink.failed({ code: ResetCode.timeout, message: '' });
    const reset = make({ toClients: 1000 });
    reset.agent.sink.data(bytesOf(500));
    reset.client.exchange.reset(ResetCode.cancelled);
    const left = make({ toClients: 1000 });
    left.agent.sink.data(bytesOf(500));
    left.agent.sink.end(undefined);
    left.client.exchange.discard();
    jest.advanceTimersByTime(2000);
    const ends = [failing, reset, left].map(({ client }) => [client.bytes, client.said.at(-1)]);
    expect(ends).toEqual([
      [AT_ONCE, 'failed 7'],
      [AT_ONCE, 'opened'],
      [AT_ONCE, 'opened'],
    ]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('says nothing more to a client that leaves while it is given bytes', () => {
    const { client, agent } = make({ toClients: 1000, fromClients: 1000 });
    expect(client.exchange.sendData(bytesOf(200))).toBe(false);
    client.leavesAt = 60;
    agent.sink.data(bytesOf(500));
    agent.sink.end(undefined);
    jest.advanceTimersByTime(2000);
    expect([client.bytes, client.said, agent.calls.at(-1)]).toEqual([60, ['opened'], 'reset 1']);
  });

  it('stops a client with the first byte that has to wait, and has it go on once', () => {
    const { client, agent } = make({ fromClients: 1000 });
    expect(client.exchange.sendData(bytesOf(AT_ONCE))).toBe(true);
    expect(client.exchange.sendData(bytesOf(100))).toBe(false);
    expect(client.exchange.pendingBytes).toBe(100);
    jest.advanceTimersByTime(80);
    expect([sent(agent.calls), client.said]).toEqual([130, ['opened']]);
    // Who watches for a standstill sees that it is none.
    expect(client.movements).toBeGreaterThan(2);
    jest.advanceTimersByTime(1000);
    expect([sent(agent.calls), client.said, client.exchange.pendingBytes]).toEqual([150, ['opened', 'writable'], 0]);
    client.exchange.sendData(bytesOf(100));
    client.exchange.sendEnd(['T', '1']);
    expect(agent.calls.at(-1)).not.toMatch(/^end/);
    jest.advanceTimersByTime(1000);
    expect([sent(agent.calls), agent.calls.at(-1), client.said]).toEqual([250, 'end T,1', ['opened', 'writable']]);
  });

  it('loses nothing where the agent has no room for a while', () => {
    const { client, agent } = make({ fromClients: 1000 });
    agent.hasRoom = false;
    expect(client.exchange.sendData(bytesOf(10))).toBe(false);
    // Told to stop, it sends all the same.
    client.exchange.sendData(bytesOf(20));
    client.exchange.sendData(Buffer.from('y'));
    jest.advanceTimersByTime(1000);
    expect([sent(agent.calls), client.said]).toEqual([10, ['opened']]);
    agent.sink.writable();
    expect(sent(agent.calls)).toBe(30);
    agent.hasRoom = true;
    agent.sink.writable();
    expect(client.said).toEqual(['opened', 'writable']);
    expect(agent.calls.join('')).toMatch(/y$/);
  });

  it('loses no chunk that comes behind one for which there was no room', () => {
    const { client, agent } = make({ fromClients: 1000 });
    client.exchange.sendData(bytesOf(60));
    client.exchange.sendData(bytesOf(30));
    agent.hasRoom = false;
    jest.advanceTimersByTime(1000);
    expect([sent(agent.calls), client.exchange.pendingBytes]).toEqual([60, 30]);
    agent.hasRoom = true;
    agent.sink.writable();
    jest.advanceTimersByTime(1000);
    expect(sent(agent.calls)).toBe(90);
  });

  it('says nothing more to a client whose exchange fails when it is given bytes', () => {
    const { client, agent } = make({ fromClients: 1000 });
    client.exchange.sendData(bytesOf(100));
    agent.sendData = () => {
      agent.sink.failed({ code: ResetCode.refused, message: '' });
      return true;
    };
    jest.advanceTimersByTime(1000);
    expect(client.said).toEqual(['opened', 'failed 3']);
  });

  it('keeps its place in the row where the agent has no room', () => {
    const { client, agent, open, pool } = make({ fromClients: 1000 });
    client.exchange.sendData(bytesOf(AT_ONCE));
    agent.hasRoom = false;
    client.exchange.sendData(bytesOf(200));
    const other = open();
    other.exchange.sendData(bytesOf(200));
    jest.advanceTimersByTime(500);
    expect(sent(pool.last.calls)).toBe(200);
    expect([sent(agent.calls), client.exchange.pendingBytes]).toEqual([AT_ONCE + 10, 190]);
    agent.hasRoom = true;
    agent.sink.writable();
    jest.advanceTimersByTime(1000);
    expect(sent(agent.calls)).toBe(AT_ONCE + 200);
  });

  it('sends what a pipe had last after its client has gone in order', () => {
    const { client, agent } = make({ fromClients: 1000, toClients: 1000 }, ExchangeKind.tcp);
    client.exchange.sendData(bytesOf(200));
    client.exchange.sendEnd();
    agent.sink.end(undefined);
    client.exchange.discard();
    jest.advanceTimersByTime(1000);
    expect([sent(agent.calls), agent.calls.at(-1)]).toEqual([200, 'end']);
  });

  it('is shared by all clients of the port', () => {
    const { client, agent, open, pool } = make({ toClients: 1000 });
    const other = open();
    agent.sink.data(bytesOf(5000));
    pool.last.sink.data(bytesOf(5000));
    jest.advanceTimersByTime(2000);
    expect(client.bytes + other.bytes).toBe(2050);
    expect(Math.abs(client.bytes - other.bytes)).toBeLessThanOrEqual(AT_ONCE + 20);
  });

  it('passes an answer without an exchange as slowly, until its client leaves', () => {
    const policy = policyOf([{ path: 'bandwidth.toClients', value: 1000 }]);
    const context = ruleLab();
    const dispatch = bandwidth.make(
      policy,
      context,
    )?.((_request, sink) => {
      answer(sink, 503, [], bytesOf(500));
    });
    const ask = (): Client => {
      const client = new Client();
      client.takes = false;
      dispatch?.(fakeRequest(), client);
      return client;
    };
    const staying = ask();
    jest.advanceTimersByTime(1000);
    expect([staying.bytes, staying.said.at(-1)]).toEqual([500, 'end']);
    const leaving = ask();
    leaving.wait?.cancel();
    jest.advanceTimersByTime(1000);
    expect([leaving.bytes, leaving.said.length, jest.getTimerCount()]).toEqual([AT_ONCE, 1, 0]);
  });
});
