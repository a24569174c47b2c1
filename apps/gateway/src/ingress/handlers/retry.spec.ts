import { type ExchangeFailure, ResetCode } from '@berth/exchange';
import { BerthError } from '@berth/errors';
import { FakeClient, FakePool, fakeRequest } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import { retry } from './retry.js';
import { handlerContext } from '../../../testing/handler-context.js';

const LOST: ExchangeFailure = { code: 'connection-lost', message: 'gone' };

describe('a second try', () => {
  let pool: FakePool;
  let client: FakeClient;
  beforeEach(() => {
    pool = new FakePool();
    client = new FakeClient();
  });

  const begin = (over = {}): void => {
    retry(handlerContext())(pool.dispatch)(fakeRequest(over), client);
  };

  it('goes to another connection than the one that was lost, once', () => {
    begin();
    pool.last.sink.failed(LOST);
    expect(pool.requests[1]).toEqual({ ...fakeRequest(), except: { id: 'c1' } });
    expect([client.calls, client.exchange.id]).toEqual([['opened', 'opened'], 2]);
    pool.last.sink.failed({ code: ResetCode.localFailed, message: 'second' });
    expect(client.failures).toEqual([{ code: ResetCode.localFailed, message: 'second' }]);
  });

  it('that is not to be had leaves what the first one met', () => {
    begin();
    pool.failure = { code: ResetCode.refused, message: '', error: new BerthError('BERTH_AGENT_UNAVAILABLE', 'none') };
    pool.last.sink.failed(LOST);
    expect([pool.requests.length, client.failures]).toEqual([2, [LOST]]);
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
  });
});
