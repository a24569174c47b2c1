import { jest } from '@jest/globals';
import { eventually } from '@berth/testing';
import { testGateway } from '@berth/testing/system';
import { shareGuestBook } from './share.js';

describe('example: an Express application that an agent shares', () => {
  it('answers at a port of the gateway, and tells of each request', async () => {
    const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    using stack = new DisposableStack();
    stack.adopt(log, (it) => {
      it.mockRestore();
    });
    await using gateway = await testGateway();
    await using agent = await shareGuestBook({ id: 'book', gateway: `127.0.0.1:${gateway.grpcPort}` });
    const signed = await fetch(agent.url, { method: 'POST', body: 'Ada' });
    expect([signed.status, await signed.text()]).toEqual([201, 'welcome, Ada from 127.0.0.1\n']);
    expect(await (await fetch(agent.url)).json()).toEqual(['Ada']);
    await eventually(() => log.mock.calls.length === 2);
    expect(log.mock.calls.flat()).toEqual([
      expect.stringMatching(/^POST "\/" 201 [\d.]+ ms$/),
      expect.stringMatching(/^GET "\/" 200 [\d.]+ ms$/),
    ]);
  });
});
