import { ExchangeKind, ResetCode } from '@berth/exchange';
import { FakeClient, FakePool, fakeRequest } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import { bodyLimit } from './body-limit.js';

describe('the body limit', () => {
  it('is no handler without a limit', () => {
    expect(bodyLimit(0)).toBeUndefined();
  });

  it('lets a body of just that size pass, and ends one that is larger', () => {
    const pool = new FakePool();
    const client = new FakeClient();
    bodyLimit(4)?.(pool.dispatch)(fakeRequest({ method: 'POST', body: true }), client);
    client.exchange.sendData(Buffer.from('ab'));
    client.exchange.sendData(Buffer.from('cd'));
    expect(client.failures).toEqual([]);
    client.exchange.sendData(Buffer.from('e'));
    expect(pool.last.calls).toEqual(['data ab', 'data cd', `reset ${ResetCode.cancelled}`]);
    expect(client.calls).toEqual(['opened', 'failed BERTH_BODY_TOO_LARGE']);
  });

  it('concerns no pipe, no request without a body, and none whose head says its length', () => {
    const pool = new FakePool();
    const client = new FakeClient();
    const dispatch = bodyLimit(4)?.(pool.dispatch);
    dispatch?.(fakeRequest({ kind: ExchangeKind.upgrade, body: true }), client);
    dispatch?.(fakeRequest(), client);
    dispatch?.(fakeRequest({ body: true, headers: ['Content-Length', '3'] }), client);
    expect(pool.exchanges.map(({ sink }) => sink)).toEqual([client, client, client]);
  });
});
