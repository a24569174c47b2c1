import { jest } from '@jest/globals';
import { ExchangeKind, type OpenHead, ResetCode } from '@berth/exchange';
import { FakeClient, FakePool, fakeRequest } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import type { FakeExchange } from '../../../../../libs/exchange/testing/fake-exchange.js';
import type { ExchangeContext, ExchangeOptions } from '../exchange-context.js';
import { handlerContext } from '../../../testing/handler-context.js';
import { timeLimits } from './time-limits.js';

/** More than a tick of the one timer that all exchanges share. */
const TICKS_MS = 600;
const HEAD = { status: 200, reason: '', headers: [] };

describe('time limits', () => {
  let context: ExchangeContext;
  let client: FakeClient;
  let agent: FakeExchange;
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    client.exchange.discard();
    expect(context.deadlines.size).toBe(0);
    jest.useRealTimers();
  });

  function begin(over: Partial<OpenHead> = {}, options: Partial<ExchangeOptions> = {}): void {
    context = handlerContext(options);
    client = new FakeClient();
    const pool = new FakePool();
    timeLimits(context)(pool.dispatch)(fakeRequest(over), client);
    agent = pool.last;
  }

  const pass = (ms: number): void => {
    jest.advanceTimersByTime(ms);
  };
  const upload = { method: 'POST', body: true };
  const timeout = `reset ${ResetCode.timeout}`;
  const message = (): string | undefined => client.failures[0]?.error?.message;

  it('end a request whose answer does not begin', () => {
    begin();
    pass(9000);
    expect(client.failures).toEqual([]);
    pass(1000 + TICKS_MS);
    expect([agent.calls, client.calls]).toEqual([[timeout], ['opened', 'failed BERTH_RESPONSE_TIMEOUT']]);
    expect(message()).toContain('ingress.responseTimeoutMs');
  });

  it('count an interim answer as a sign of life', () => {
    begin();
    pass(9000);
    agent.sink.informational({ status: 103, headers: [] });
    pass(9000);
    expect(client.failures).toEqual([]);
  });

  it('end an answer in which nothing moves, also when its end has come', () => {
    begin();
    agent.sink.head(HEAD);
    client.takes = false;
    agent.sink.data(Buffer.from('x'));
    agent.sink.end(undefined);
    pass(4000);
    client.exchange.consumed(1);
    pass(4000);
    expect(client.failures).toEqual([]);
    pass(1000 + TICKS_MS);
    expect(message()).toBe('nothing moved for 5000 ms (ingress.idleTimeoutMs)');
  });

  it('end a body that does not begin, one that stops, and one that the service does not take', () => {
    begin(upload);
    pass(2000 + TICKS_MS);
    expect(message()).toContain('ingress.bodyStartTimeoutMs');
    begin(upload);
    client.exchange.sendData(Buffer.from('x'));
    pass(4000);
    expect(client.failures).toEqual([]);
    pass(1000 + TICKS_MS);
    expect([client.failures[0]?.error?.code, message()]).toEqual([
      'BERTH_REQUEST_TIMEOUT',
      'the request body stood still for 5000 ms (ingress.idleTimeoutMs)',
    ]);
    begin(upload);
    agent.hasRoom = false;
    client.exchange.sendData(Buffer.from('x'));
    pass(5000 + TICKS_MS);
    expect(message()).toContain('took nothing of the request body');
    begin(upload);
    agent.hasRoom = false;
    client.exchange.sendData(Buffer.from('x'));
    agent.sink.writable();
    pass(5000 + TICKS_MS);
    expect(message()).toContain('the request body stood still');
  });

  it('give the answer its time once the body has been sent', () => {
    begin(upload);
    client.exchange.sendData(Buffer.from('x'));
    client.exchange.sendEnd();
    pass(9000);
    expect(client.failures).toEqual([]);
    pass(1000 + TICKS_MS);
    expect(message()).toContain('sent no response head');
  });

  it('give a body that waits for a 100 the time of an answer, and its own from the 100 on', () => {
    begin({ ...upload, headers: ['Expect', '100-continue'] });
    pass(9000);
    agent.sink.informational({ status: 100, headers: [] });
    pass(1000);
    expect(client.failures).toEqual([]);
    pass(1000 + TICKS_MS);
    expect(message()).toContain('ingress.bodyStartTimeoutMs');
  });

  it('end an upload below the minimum rate, but not one that is as slow as its service', () => {
    const rate = { minRateBytesPerSecond: 100, rateWindowMs: 1000 };
    begin(upload, rate);
    client.exchange.sendData(Buffer.from('x'));
    pass(1000 + TICKS_MS);
    expect(message()).toContain('ingress.minRateBytesPerSecond is 100');
    begin(upload, rate);
    agent.hasRoom = false;
    client.exchange.sendData(Buffer.from('x'));
    pass(3000);
    expect(client.failures).toEqual([]);
    // It goes on late in a window: the time before that was not the client's.
    pass(800);
    agent.sink.writable();
    pass(TICKS_MS);
    expect(client.failures).toEqual([]);
    // The rest of that window, and the whole of the next.
    pass(2 * (1000 + TICKS_MS));
    expect(message()).toContain('ingress.minRateBytesPerSecond is 100');
  });

  it('measure a client that takes an answer only while it lags, and no stream of events', () => {
    const rate = { minRateBytesPerSecond: 100, rateWindowMs: 1000 };
    begin({}, rate);
    agent.sink.head(HEAD);
    agent.sink.data(Buffer.from('x'));
    pass(3000);
    expect(client.failures).toEqual([]);
    client.takes = false;
    agent.sink.data(Buffer.from('x'));
    pass(500);
    client.exchange.consumed(1);
    pass(3000);
    expect(client.failures).toEqual([]);
    agent.sink.data(Buffer.from('x'));
    pass(1000 + TICKS_MS);
    expect([agent.calls.at(-1), client.failures.length]).toEqual([timeout, 1]);
    begin({}, rate);
    client.takes = false;
    agent.sink.head({ ...HEAD, headers: ['content-type', 'text/event-stream'] });
    agent.sink.data(Buffer.from('x'));
    pass(3000);
    expect(client.failures).toEqual([]);
  });

  it('of an upgrade: the answer, and then the pipe; what a client sent last has the idle timeout to arrive', () => {
    begin({ kind: ExchangeKind.upgrade, body: true });
    pass(9000);
    expect(client.failures).toEqual([]);
    agent.sink.head({ ...HEAD, status: 101 });
    pass(4000);
    client.exchange.sendData(Buffer.from('x'));
    pass(4000);
    client.exchange.sendEnd();
    client.exchange.discard();
    expect(context.deadlines.size).toBe(1);
    pass(5000 + TICKS_MS);
    expect([agent.calls.at(-1), client.failures, context.deadlines.size]).toEqual([timeout, [], 0]);
  });

  it('concern nobody any more once the client has left', () => {
    begin();
    client.exchange.reset(ResetCode.cancelled);
    client.exchange.discard();
    pass(20_000);
    expect([client.failures, context.deadlines.size]).toEqual([[], 0]);
  });

  it('leave raw TCP alone, but for a limit of its own, and for what a client left behind', () => {
    const tcp = { kind: ExchangeKind.tcp, body: true };
    begin(tcp);
    pass(100_000);
    expect([client.failures, context.deadlines.size]).toEqual([[], 0]);
    // Both halves have ended, and what the client sent last has not left yet.
    client.exchange.discard();
    pass(5000 + TICKS_MS);
    expect(agent.calls).toEqual(['discard', timeout]);

    begin(tcp, { tcpIdleTimeoutMs: 20_000 });
    pass(15_000);
    client.exchange.sendData(Buffer.from('x'));
    pass(15_000);
    expect(client.failures).toEqual([]);
    pass(5000 + TICKS_MS);
    expect(message()).toContain('20000 ms (ingress.tcpIdleTimeoutMs)');
  });
});
