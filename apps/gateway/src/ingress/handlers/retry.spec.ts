import { jest } from '@jest/globals';
import { type Dispatch, type ExchangeFailure, ResetCode } from '@berth/exchange';
import { BerthError } from '@berth/errors';
import { FakeClient, FakePool, fakeRequest } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import type { ExchangeContext } from '../exchange-context.js';
import { retry } from './retry.js';
import { handlerContext } from '../../../testing/handler-context.js';

const LOST: ExchangeFailure = { code: 'connection-lost', message: 'gone' };

describe('a second try', () => {
  let pool: FakePool;
  let client: FakeClient;
  let context: ExchangeContext;
  beforeEach(() => {
    pool = new FakePool();
    client = new FakeClient();
    context = handlerContext();
  });

  const begin = (over = {}): void => {
    retry(context)?.(pool.dispatch)(fakeRequest(over), client);
  };

  it('goes to another connection than the one that was lost, once', () => {
    begin();
    pool.last.sink.failed(LOST);
    expect(pool.requests[1]).toEqual({ ...fakeRequest(), except: { id: 'c1' } });
    expect([client.calls, client.exchange.id]).toEqual([['opened', 'opened'], 2]);
    pool.last.sink.failed({ code: ResetCode.localFailed, message: 'second' });
    expect(client.failures).toEqual([{ code: ResetCode.localFailed, message: 'second' }]);
    expect(context.service.stats).toMatchObject({ retries: 1, retriesRefused: 0 });
  });

  it('that is not to be had leaves what the first one met', () => {
    begin();
    pool.failure = { code: ResetCode.refused, message: '', error: new BerthError('BERTH_AGENT_UNAVAILABLE', 'none') };
    pool.last.sink.failed(LOST);
    expect([pool.requests.length, client.failures]).toEqual([2, [LOST]]);
  });

  it('that got nowhere is the answer, with a word that the first one may have got there', () => {
    const nowhere = { code: ResetCode.localUnreachable, message: '' };
    begin();
    pool.last.sink.failed(LOST);
    pool.last.sink.failed(nowhere);
    begin();
    pool.last.sink.failed({ code: ResetCode.refused, message: '' });
    pool.last.sink.failed(nowhere);
    expect(client.failures).toEqual([{ ...nowhere, mayHaveReached: true }, nowhere]);
  });

  it('is none for what must not be repeated: those pass untouched', () => {
    begin({ method: 'POST' });
    begin({ body: true });
    expect(pool.exchanges.map(({ sink }) => sink)).toEqual([client, client]);
  });

  it('is none when something of an answer has come, or the service itself failed', () => {
    begin();
    pool.last.headReceived = true;
    pool.last.sink.failed(LOST);
    begin();
    pool.last.informationalCount = 1;
    pool.last.sink.failed(LOST);
    begin();
    pool.last.sink.failed({ code: ResetCode.localUnreachable, message: '' });
    expect([pool.requests.length, client.failures.length]).toEqual([3, 3]);
    expect(context.service.stats).toMatchObject({ retries: 0, retriesRefused: 0 });
  });

  describe('within a budget', () => {
    beforeEach(() => jest.useFakeTimers());
    afterEach(() => jest.useRealTimers());

    /** Requests whose first try is lost. @returns how many were tried once more */
    const lose = (dispatch: Dispatch | undefined, count: number): number => {
      const before = pool.requests.length;
      for (let i = 0; i < count; i += 1) {
        dispatch?.(fakeRequest(), client);
        pool.last.sink.failed(LOST);
      }
      return pool.requests.length - before - count;
    };

    it('is for a part of the requests of the last seconds, or for a few', () => {
      context = handlerContext({ retry: { percent: 10, minimum: 3, windowMs: 1000 } });
      const dispatch = retry(context)?.(pool.dispatch);
      expect(lose(dispatch, 20)).toBe(3);
      expect(context.service.stats).toMatchObject({ retries: 3, retriesRefused: 17 });
      // What must not be repeated is a request as well.
      for (let i = 0; i < 80; i += 1) dispatch?.(fakeRequest({ method: 'POST' }), client);
      expect(lose(dispatch, 20)).toBe(9);
      jest.advanceTimersByTime(1000);
      expect(lose(dispatch, 20)).toBe(3);
      expect(client.failures).toHaveLength(45);
    });

    it('of nothing is none: no handler', () => {
      expect(retry(handlerContext({ retry: { percent: 0, minimum: 0, windowMs: 1000 } }))).toBeUndefined();
    });
  });
});
