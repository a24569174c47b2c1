import { eventually } from '@berth/testing';
import { callerOf, Held, request, startServer } from '../libs/services/testing/function-server.js';
import { failureOf } from '../libs/services/testing/oprc-caller.js';

describe('the function server', () => {
  describe('stop', () => {
    it('B2: lets running and waiting calls end, refuses new ones, and then listens no more', async () => {
      const held = new Held();
      await using server = await startServer(held.handler, { maxConcurrentCalls: 1 });
      await using caller = callerOf(server);
      const running = caller.invokeFn(request('running'));
      await held.nth(0);
      const waiting = caller.invokeFn(request('waiting'));
      // One that came after it has been answered, so it has been admitted.
      await caller.invokeObj({ clsId: 'a.B', fnId: 'x' });
      const stopped = server.stop();
      await eventually(() => !server.isRunning());
      expect((await failureOf(caller.invokeFn(request('new')))).status).toBe('UNAVAILABLE');
      (await held.nth(0)).end();
      (await held.nth(1)).end();
      expect([(await running).text, (await waiting).text]).toEqual(['ended', 'ended']);
      await stopped;
      expect((await failureOf(caller.invokeFn(request('after')))).status).toBe('UNAVAILABLE');
      expect(held.names).toEqual(['running', 'waiting']);
    });

    it('B2: cuts off what does not end in time, and aborts its signal', async () => {
      const held = new Held();
      await using server = await startServer(held.handler, { maxConcurrentCalls: 1 });
      await using caller = callerOf(server);
      const running = failureOf(caller.invokeFn(request('running')));
      const signal = (await held.nth(0)).signal();
      const waiting = failureOf(caller.invokeFn(request('waiting')));
      await caller.invokeObj({ clsId: 'a.B', fnId: 'x' });
      await server.stop({ timeoutMs: 50 });
      expect(await running).toMatchObject({ status: 'UNAVAILABLE', code: 'BERTH_SERVICE_OUTCOME_UNKNOWN' });
      expect(await waiting).toMatchObject({ status: 'UNAVAILABLE', code: 'BERTH_SERVICE_UNREACHABLE' });
      expect(signal.reason).toMatchObject({ message: 'the server has been stopped' });
      expect(held.names).toEqual(['running']);
    });

    it('B4: calls that run at a restart end, and the next ones find the new server', async () => {
      const held = new Held();
      await using server = await startServer(held.handler);
      await using caller = callerOf(server);
      const running = caller.invokeFn(request('1'));
      const first = await held.nth(0);
      const restarted = server.restart();
      first.end();
      expect((await running).text).toBe('ended');
      await restarted;
      const next = eventually(() => caller.invokeFn(request('2')));
      (await held.nth(1)).end();
      expect((await next).text).toBe('ended');
    });
  });
});
