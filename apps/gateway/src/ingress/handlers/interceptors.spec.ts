import { setImmediate as turn } from 'node:timers/promises';
import { BerthError } from '@berth/errors';
import { ExchangeKind, ResetCode } from '@berth/exchange';
import { FakeClient, FakePool, fakeRequest } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import type { IngressInterceptor } from '../interceptor.js';
import { interceptors } from './interceptors.js';
import { handlerContext } from '../../../testing/handler-context.js';

const HEAD = { status: 200, reason: 'OK', headers: ['A', '1'] };

describe('the handler of interceptors', () => {
  let pool: FakePool;
  let client: FakeClient;
  beforeEach(() => {
    pool = new FakePool();
    client = new FakeClient();
  });

  const begin = (list: IngressInterceptor[], over = {}): void => {
    interceptors(handlerContext(), list)?.(pool.dispatch)(fakeRequest(over), client);
  };

  /** One whose promise the test settles. */
  function later(): { gate: Promise<undefined>; settle: () => void } {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    return { gate: promise, settle: () => resolve(undefined) };
  }

  it('is none where there are no interceptors, and passes what has no head', () => {
    expect(interceptors(handlerContext(), [])).toBeUndefined();
    begin([{}], { kind: ExchangeKind.tcp });
    expect(pool.last.sink).toBe(client);
  });

  it('sends what they made of the request, for requests and upgrades', async () => {
    for (const kind of [ExchangeKind.http, ExchangeKind.upgrade]) {
      begin([{ onRequest: (it) => void Object.assign(it, { target: `/${it.kind}`, headers: ['B', '2'] }) }], { kind });
      await turn();
    }
    expect(pool.requests.map(({ openHead: { target, headers } }) => [target, headers])).toEqual([
      ['/http', ['B', '2']],
      ['/upgrade', ['B', '2']],
    ]);
  });

  it('gives the answer of one in place of the agent', async () => {
    begin([{ onRequest: () => ({ status: 403, headers: ['Date', 'now'], body: 'no' }) }]);
    client.takes = false;
    await turn();
    expect([pool.requests, client.calls]).toEqual([[], ['head 403 Date now Content-Length 2', 'data no', 'end']]);
  });

  it('answers what one throws, or makes of no use', async () => {
    const throwing = (error: Error): IngressInterceptor => ({ onRequest: () => Promise.reject(error) });
    begin([throwing(new BerthError('BERTH_TOO_MANY_REQUESTS', 'slow'))]);
    begin([throwing(new Error('a bug'))]);
    begin([{ onRequest: ({ headers }) => void headers.push('X', 'a\r\nb') }]);
    begin([{ onRequest: () => ({ status: 200, headers: ['X', 'a\r\nb'] }) }]);
    await turn();
    const internal = 'failed BERTH_INTERNAL';
    expect([pool.requests, client.calls]).toEqual([
      [],
      ['failed BERTH_TOO_MANY_REQUESTS', internal, internal, internal],
    ]);
  });

  it('opens nothing for a client that has left meanwhile', async () => {
    const { gate, settle } = later();
    begin([{ onRequest: () => gate }]);
    client.wait?.cancel();
    settle();
    await turn();
    expect([pool.requests, client.calls]).toEqual([[], []]);
  });

  it('holds the answer back while they look at its head', async () => {
    const { gate, settle } = later();
    begin([{ onResponse: (it) => gate.then(() => void (it.status = 418)) }]);
    await turn();
    pool.last.sink.head(HEAD);
    pool.last.sink.data(Buffer.from('body'));
    pool.last.sink.end(undefined);
    await turn();
    expect(client.calls).toEqual(['opened']);
    settle();
    await turn();
    expect(client.calls).toEqual(['opened', 'head 418 A 1', 'data body', 'end']);
  });

  it('resets the exchange when one refuses the answer', async () => {
    begin([{ onResponse: () => Promise.reject(new Error('a bug')) }]);
    await turn();
    pool.last.sink.head(HEAD);
    await turn();
    expect([pool.last.calls, client.calls]).toEqual([
      [`reset ${ResetCode.cancelled}`],
      ['opened', 'failed BERTH_INTERNAL'],
    ]);
  });

  it('says nothing of an answer whose agent or client was lost meanwhile', async () => {
    for (const lose of [
      () => {
        pool.last.sink.failed({ code: 'connection-lost', message: '' });
      },
      () => {
        client.exchange.reset(ResetCode.cancelled);
      },
    ]) {
      const { gate, settle } = later();
      begin([{ onResponse: () => gate }]);
      await turn();
      pool.last.sink.head(HEAD);
      lose();
      settle();
      await turn();
    }
    expect(client.calls).toEqual(['opened', 'failed connection-lost', 'opened']);
  });

  it('leaves the head of a switch alone', async () => {
    begin([{ onResponse: (it) => void (it.status = 418) }], { kind: ExchangeKind.upgrade });
    await turn();
    pool.last.sink.head({ ...HEAD, status: 101 });
    expect(client.calls).toEqual(['opened', 'head 101 A 1']);
  });
});
