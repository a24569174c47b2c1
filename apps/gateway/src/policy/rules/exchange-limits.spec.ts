import { answer, ResetCode, type Waiting } from '@berth/exchange';
import { FakeClient, FakePool, fakeRequest } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import { ruleLab } from '../../../testing/rule-lab.js';
import { policyOf } from '../policy-schema.js';
import { exchangeLimits } from './exchange-limits.js';

const OK = { status: 200, reason: '', headers: [] };
const FAILURE = { code: ResetCode.refused, message: '' };

function make(limits: { maxExchanges?: number; maxExchangesPerClient?: number }) {
  const policy = policyOf(Object.entries(limits).map(([key, value]) => ({ path: `limits.${key}`, value })));
  const context = ruleLab();
  const pool = new FakePool();
  /** what is behind the rule */
  const behind = { dispatch: pool.dispatch };
  const dispatch = exchangeLimits.make(
    policy,
    context,
  )?.((request, sink) => {
    behind.dispatch(request, sink);
  });
  const ask = (clientAddress = '192.0.2.1'): FakeClient => {
    const client = new FakeClient();
    dispatch?.({ ...fakeRequest(), clientAddress }, client);
    return client;
  };
  const isFull = (): boolean => {
    const client = ask();
    if (client.failures.length > 0) return true;
    client.exchange.discard();
    return false;
  };
  return { pool, behind, dispatch, ask, isFull };
}

describe('limits of exchanges', () => {
  it('are no rule where none is set', () => {
    expect(make({}).dispatch).toBeUndefined();
  });

  it('refuse those above them, of all clients and of one', () => {
    const { ask } = make({ maxExchanges: 3, maxExchangesPerClient: 2 });
    expect(['a', 'a', 'a', 'b', 'b'].map((client) => ask(client).calls)).toEqual([
      ['opened'],
      ['opened'],
      ['failed BERTH_TOO_MANY_REQUESTS'],
      ['opened'],
      ['failed BERTH_TOO_MANY_CLIENTS'],
    ]);
  });

  it('take addresses of one IPv6 network for one client', () => {
    const { ask } = make({ maxExchangesPerClient: 1 });
    const calls = ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1'].map((client) => ask(client).calls);
    expect(calls).toEqual([['opened'], ['failed BERTH_TOO_MANY_REQUESTS'], ['opened']]);
  });

  it('count an exchange until its client has left it, once', () => {
    const { ask, isFull, pool } = make({ maxExchanges: 1 });
    const client = ask();
    pool.last.sink.head(OK);
    pool.last.sink.end(undefined);
    expect(isFull()).toBe(true);
    for (let i = 0; i < 3; i += 1) client.exchange.discard();
    expect([isFull(), isFull()]).toEqual([false, false]);
    const one = ask();
    expect(isFull()).toBe(true);
    one.exchange.reset(ResetCode.cancelled);
    one.exchange.discard();
    const failing = ask();
    pool.last.sink.failed(FAILURE);
    // Its client has yet to be told.
    expect(isFull()).toBe(true);
    failing.exchange.discard();
    expect(isFull()).toBe(false);
  });

  it('count a request that is tried once more as one, whatever becomes of the second try', () => {
    const { behind, ask, isFull, pool } = make({ maxExchanges: 1 });
    behind.dispatch = (request, sink) => {
      pool.dispatch(request, sink);
      pool.dispatch(request, sink);
    };
    ask().exchange.discard();
    behind.dispatch = (request, sink) => {
      pool.dispatch(request, sink);
      sink.failed(FAILURE);
    };
    ask().exchange.discard();
    behind.dispatch = pool.dispatch;
    expect(isFull()).toBe(false);
    ask();
    expect(isFull()).toBe(true);
  });

  it('count nothing of what never became an exchange', () => {
    const { behind, ask, isFull, pool } = make({ maxExchanges: 1 });
    pool.failure = FAILURE;
    ask();
    pool.failure = undefined;
    expect(isFull()).toBe(false);
    behind.dispatch = (_request, sink) => {
      answer(sink, 401, [], Buffer.from('no'), true);
    };
    expect(ask().calls.at(-1)).toBe('end');
    behind.dispatch = pool.dispatch;
    expect(isFull()).toBe(false);
  });

  it('count what waits, until its client leaves', () => {
    const { behind, ask, isFull, pool } = make({ maxExchanges: 1 });
    const cancelled: string[] = [];
    const waiting = (name: string): Waiting => ({ cancel: () => void cancelled.push(name) });
    behind.dispatch = (_request, sink) => {
      sink.waiting(waiting('first'));
      sink.waiting(waiting('second'));
    };
    const client = ask();
    behind.dispatch = pool.dispatch;
    expect(isFull()).toBe(true);
    client.wait?.cancel();
    client.wait?.cancel();
    expect(cancelled).toEqual(['second', 'second']);
    expect(isFull()).toBe(false);
    ask();
    expect(isFull()).toBe(true);
  });

  it('are right after a thousand requests of all kinds', () => {
    const { behind, ask, isFull, pool } = make({ maxExchanges: 1, maxExchangesPerClient: 1 });
    const ends = [
      () => {
        ask().exchange.discard();
      },
      () => {
        pool.failure = FAILURE;
        ask();
        pool.failure = undefined;
      },
      () => {
        behind.dispatch = (_request, sink) => {
          sink.waiting({ cancel: () => undefined });
        };
        ask().wait?.cancel();
        behind.dispatch = pool.dispatch;
      },
    ];
    for (let i = 0; i < 999; i += 1) ends[i % ends.length]?.();
    expect(isFull()).toBe(false);
    ask();
    expect(isFull()).toBe(true);
  });
});
