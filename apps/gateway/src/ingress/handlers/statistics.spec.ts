import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { BerthError } from '@berth/errors';
import { ExchangeKind, ResetCode } from '@berth/exchange';
import type { LatencyHistogram } from '@berth/observability';
import { FakeClient, FakePool, fakeRequest } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import { Agent, LocalService } from '../../agents/index.js';
import { statistics } from './statistics.js';

const HEAD = { status: 204, reason: '', headers: [] };

const observed = ({ counts }: LatencyHistogram): number => counts.reduce((sum, count) => sum + count, 0);

describe('statistics', () => {
  let agent: Agent;
  let service: LocalService;
  let pool: FakePool;
  let client: FakeClient;
  beforeEach(() => {
    agent = new Agent('a1', 'instance');
    service = new LocalService(agent, 'default', 'http');
    pool = new FakePool();
    client = new FakeClient();
  });

  const begin = (over = {}): void => {
    statistics(service)(pool.dispatch)(fakeRequest(over), client);
  };

  it('count requests, bytes both ways, the answer and its times', () => {
    begin({ body: true });
    client.exchange.sendData(Buffer.from('abc'));
    pool.last.sink.head(HEAD);
    pool.last.sink.data(Buffer.from('12345'));
    pool.last.sink.end(undefined);
    expect(observed(service.stats.latency)).toBe(0);
    client.exchange.discard();
    client.exchange.discard();
    const { stats } = service;
    expect(stats).toMatchObject({ requests: 1, upgrades: 0, bytesIn: 3, bytesOut: 5, errors: 0 });
    expect([stats.statusClasses, observed(stats.firstByte), observed(stats.latency)]).toEqual([
      [0, 0, 1, 0, 0, 0],
      1,
      1,
    ]);
  });

  it('count upgrades, and a pipe has no latency', () => {
    begin({ kind: ExchangeKind.upgrade });
    pool.last.sink.head({ ...HEAD, status: 101 });
    client.exchange.discard();
    expect([service.stats.upgrades, service.stats.statusClasses[1], observed(service.stats.latency)]).toEqual([
      1, 1, 0,
    ]);
  });

  it('do not count an answer that could not be sent', () => {
    begin();
    client.head = () => {
      client.exchange.reset(ResetCode.internal);
    };
    pool.last.sink.head(HEAD);
    expect([service.stats.statusClasses[2], observed(service.stats.firstByte)]).toEqual([0, 0]);
  });

  it('say why exchanges were cancelled, those alone that were (C11)', () => {
    const { cancelled } = service.stats;
    const counted = (): [string, number][] => Object.entries<number>({ ...cancelled }).filter(([, count]) => count > 0);
    begin();
    pool.last.sink.head(HEAD);
    pool.last.sink.end(undefined);
    pool.last.closed = true;
    client.exchange.reset(ResetCode.cancelled);
    expect(counted()).toEqual([]);
    for (const code of [ResetCode.refused, ResetCode.localBusy, ResetCode.localUnreachable]) {
      begin();
      pool.last.sink.failed({ code, message: '' });
    }
    expect(counted()).toEqual([]);
    begin();
    client.exchange.reset(ResetCode.cancelled);
    begin();
    client.exchange.reset(ResetCode.internal);
    for (const code of [ResetCode.timeout, ResetCode.localFailed, 'connection-lost'] as const) {
      begin();
      pool.last.sink.failed({ code, message: '' });
    }
    agent.disconnect(0, true);
    begin();
    pool.last.sink.failed({ code: 'connection-lost', message: '' });
    agent.shutDown(0, new BerthError('BERTH_DRAINING', 'over'));
    begin();
    client.exchange.reset(ResetCode.cancelled);
    expect(cancelled).toEqual({ client_disconnect: 1, timeout: 1, upstream_error: 3, manual: 1, proxy_shutdown: 1 });
  });

  it('count a client that leaves while it waits among the cancelled, and one that was refused once only (C11)', () => {
    let refuse: () => void = () => undefined;
    const waits = (): void => {
      statistics(service)((_, sink) => {
        sink.waiting({ cancel: () => undefined });
        refuse = () => {
          sink.failed({ code: ResetCode.refused, message: '' });
        };
      })(fakeRequest(), client);
    };
    waits();
    refuse();
    client.wait?.cancel();
    expect(service.stats.cancelled.client_disconnect).toBe(0);
    waits();
    client.wait?.cancel();
    client.wait?.cancel();
    expect(service.stats.cancelled.client_disconnect).toBe(1);
  });

  it('end with a failure, an answer without an exchange, or a client that does not wait', () => {
    pool.failure = { code: ResetCode.refused, message: '' };
    begin();
    statistics(service)((_, sink) => {
      sink.head(HEAD);
      sink.end(undefined);
    })(fakeRequest(), client);
    let cancelled = 0;
    statistics(service)((_, sink) => {
      sink.waiting({ cancel: () => (cancelled += 1) });
    })(fakeRequest(), client);
    client.wait?.cancel();
    expect([observed(service.stats.latency), service.stats.requests, cancelled]).toEqual([3, 3, 1]);
  });

  it('publish what happens to whoever subscribed, and to nobody else', () => {
    const seen: [string, unknown][] = [];
    const names = ['opened', 'answered', 'ended'].map((name) => `berth:exchange:${name}`);
    const listener = (message: unknown, name: string | symbol): void => void seen.push([String(name), message]);
    begin();
    for (const name of names) subscribe(name, listener);
    begin({ method: 'PUT', target: '/a?token=secret', body: true });
    client.exchange.sendData(Buffer.from('abc'));
    pool.last.sink.head(HEAD);
    pool.last.sink.end(undefined);
    client.exchange.discard();
    for (const name of names) unsubscribe(name, listener);
    begin();
    const common = { agentId: 'a1', requestId: 'c2-2' };
    expect(seen).toEqual([
      [names[0], { ...common, kind: 'http', method: 'PUT', path: '/a', client: '192.0.2.1' }],
      [names[1], { ...common, status: 204 }],
      [names[2], { ...common, outcome: 'complete', bytesIn: 3, bytesOut: 0, ms: expect.any(Number) }],
    ]);
  });

  it('tell a failure from a client that left', () => {
    const outcomes: unknown[] = [];
    const listener = (message: unknown): void => void outcomes.push((message as { outcome: string }).outcome);
    subscribe('berth:exchange:ended', listener);
    begin();
    pool.last.sink.failed({ code: 'connection-lost', message: '' });
    client.exchange.discard();
    begin();
    client.exchange.reset(ResetCode.cancelled);
    client.exchange.discard();
    unsubscribe('berth:exchange:ended', listener);
    expect(outcomes).toEqual(['failed', 'reset']);
  });
});
