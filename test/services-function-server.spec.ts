import { setImmediate as soon } from 'node:timers/promises';
import { eventually } from '@berth/testing';
import type { InvocationHandler } from '../libs/services/src/invocation/invocation-handler.js';
import type { Invocation } from '../libs/services/src/invocation/invocation.js';
import { INVOKE_FN_PATH } from '../libs/services/src/wire/requests.js';
import {
  bytesOf,
  callerOf,
  echo,
  Held,
  portOf,
  request,
  startServer,
} from '../libs/services/testing/function-server.js';
import { failureOf } from '../libs/services/testing/oprc-caller.js';

describe('the function server', () => {
  describe('calls', () => {
    it('B13: an invocation arrives as it was sent, and its reply comes back', async () => {
      const seen: Invocation[] = [];
      await using server = await startServer((invocation) => {
        seen.push(invocation);
        return echo(invocation, 'server');
      });
      await using caller = callerOf(server);
      const before = Date.now();
      const fields = { partitionId: 3, clsId: 'p.S', fnId: 'f', options: { a: 'ü' }, payload: Buffer.from('{"x":1}') };
      const answer = await caller.invokeFn(fields, 5000);
      expect(answer).toMatchObject({ status: 'OKAY', text: '{"x":1}', headers: { h: '1' } });
      await caller.invokeObj({ ...fields, objectId: 'k' });
      const [first, second] = seen;
      expect(first).toMatchObject({ service: 'p.S', method: 'f', partition: 3, objectId: undefined });
      expect({ ...first?.options }).toEqual({ a: 'ü' });
      expect((first?.deadline ?? 0) - before).toBeGreaterThan(4000);
      expect(second).toMatchObject({ objectId: 'k', deadline: undefined });
      expect(first?.id).not.toBe(second?.id);
      expect(answer.invocationId).toBe(first?.id);
    });

    it('B13: a request that names no object is INVALID_REQUEST and does not reach the handler', async () => {
      const held = new Held();
      await using stack = new AsyncDisposableStack();
      const answer = await stack
        .use(callerOf(stack.use(await startServer(held.handler))))
        .invokeObj({ clsId: 'a.B', fnId: 'm' });
      expect(answer).toMatchObject({
        status: 'INVALID_REQUEST',
        headers: { 'berth-code': 'BERTH_SERVICE_BAD_OBJECT_ID' },
      });
      expect(held.calls).toHaveLength(0);
    });

    it('B13: bytes that are no message are INTERNAL, and the server goes on', async () => {
      await using stack = new AsyncDisposableStack();
      await using caller = callerOf(stack.use(await startServer(echo)));
      expect(await failureOf(caller.send(INVOKE_FN_PATH, Buffer.from([0x1a, 0xff])))).toMatchObject({
        status: 'INTERNAL',
      });
      expect((await caller.invokeFn(request('m'))).status).toBe('OKAY');
    });

    it('a handler that throws or rejects is a fault of ours: SYSTEM_ERROR without its message', async () => {
      let calls = 0;
      await using stack = new AsyncDisposableStack();
      await using caller = callerOf(
        stack.use(
          await startServer(() => {
            calls += 1;
            if (calls === 1) throw new Error('secret');
            return Promise.reject(new Error('secret'));
          }),
        ),
      );
      for (let i = 0; i < 2; i += 1) {
        const answer = await caller.invokeFn(request('m'));
        expect(answer).toMatchObject({ status: 'SYSTEM_ERROR', headers: { 'berth-code': 'BERTH_INTERNAL' } });
        expect(answer.text).not.toContain('secret');
      }
    });

    it('a path that nobody serves is UNIMPLEMENTED; what is no gRPC does no harm', async () => {
      await using server = await startServer(echo);
      await using caller = callerOf(server);
      expect((await failureOf(caller.send('/oprc.OprcFunction/Nothing', Buffer.alloc(0)))).status).toBe(
        'UNIMPLEMENTED',
      );
      const answer = await fetch(`http://127.0.0.1:${portOf(server)}/`).catch(() => 'refused');
      expect(answer).toBe('refused');
      expect((await caller.invokeFn(request('m'))).status).toBe('OKAY');
    });
  });

  describe('limits', () => {
    it('a request above maxMessageBytes is RESOURCE_EXHAUSTED, and the server goes on', async () => {
      await using stack = new AsyncDisposableStack();
      await using caller = callerOf(stack.use(await startServer(echo, { maxMessageBytes: 64 * 1024 })));
      const failure = await failureOf(caller.invokeFn(request('m', Buffer.alloc(65 * 1024))));
      expect(failure).toMatchObject({
        status: 'RESOURCE_EXHAUSTED',
        details: expect.stringContaining('larger than max'),
      });
      expect((await caller.invokeFn(request('m', Buffer.alloc(60 * 1024)))).status).toBe('OKAY');
    });

    it('a reply above maxMessageBytes is APP_ERROR with a code, not a broken stream', async () => {
      const large: InvocationHandler = ({ id }) =>
        Promise.resolve({ status: 0, payload: Buffer.alloc(5000), headers: {}, invocationId: id });
      await using stack = new AsyncDisposableStack();
      const answer = await stack
        .use(callerOf(stack.use(await startServer(large, { maxMessageBytes: 4096 }))))
        .invokeFn(request('m'));
      expect(answer).toMatchObject({
        status: 'APP_ERROR',
        headers: { 'berth-code': 'BERTH_SERVICE_BAD_RESULT' },
      });
      expect(JSON.parse(answer.text)).toMatchObject({ error: { code: 'BERTH_SERVICE_BAD_RESULT' } });
    });

    it('messages of 4 MiB go both ways', async () => {
      const payload = Buffer.alloc(4 * 1024 * 1024 - 200, 'x');
      await using stack = new AsyncDisposableStack();
      const answer = await stack.use(callerOf(stack.use(await startServer(echo)))).invokeFn(request('m', payload));
      expect(answer.text).toHaveLength(payload.length);
    });

    it('maxConcurrentCalls run, maxQueuedCalls wait in order, the next is RESOURCE_EXHAUSTED', async () => {
      const held = new Held();
      await using stack = new AsyncDisposableStack();
      await using caller = callerOf(
        stack.use(await startServer(held.handler, { maxConcurrentCalls: 1, maxQueuedCalls: 2 })),
      );
      const answers = [caller.invokeFn(request('1'))];
      await held.nth(0);
      answers.push(caller.invokeFn(request('2')), caller.invokeFn(request('3')));
      const refused = await failureOf(caller.invokeFn(request('4')));
      expect(refused).toMatchObject({ status: 'RESOURCE_EXHAUSTED', code: 'BERTH_SERVICE_BUSY' });
      for (let i = 0; i < 3; i += 1) {
        expect(held.calls).toHaveLength(i + 1);
        (await held.nth(i)).end();
        await answers[i];
        if (i < 2) await held.nth(i + 1);
      }
      expect(held.names).toEqual(['1', '2', '3']);
    });

    it('a call whose deadline passes or whose caller leaves while it waits never runs, and frees its place', async () => {
      const held = new Held();
      await using stack = new AsyncDisposableStack();
      await using caller = callerOf(
        stack.use(await startServer(held.handler, { maxConcurrentCalls: 1, maxQueuedCalls: 2 })),
      );
      const first = caller.invokeFn(request('1'));
      await held.nth(0);
      const leaving = caller.call(INVOKE_FN_PATH, bytesOf(request('left')));
      const left = failureOf(leaving.answer);
      expect((await failureOf(caller.invokeFn(request('late'), 200))).status).toBe('DEADLINE_EXCEEDED');
      leaving.cancel();
      expect((await left).status).toBe('CANCELLED');
      /** Waits: the server may hear of the cancel a little later than the test, and refuse it before. */
      const waiting = (name: string): Promise<{ answer: Promise<unknown> }> =>
        eventually(async () => {
          const answer = caller.invokeFn(request(name));
          const over = answer.then(
            () => true,
            () => true,
          );
          // One that came after it has been answered, so it waits or has been refused.
          await caller.invokeObj({ clsId: 'a.B', fnId: 'x' });
          return (await Promise.race([over, soon(false)])) ? undefined : { answer };
        });
      // Both places are free again.
      const [second, third] = [await waiting('2'), await waiting('3')];
      (await held.nth(0)).end();
      await first;
      (await held.nth(1)).end();
      (await held.nth(2)).end();
      await Promise.all([second.answer, third.answer]);
      expect(held.names).not.toContain('left');
      expect(held.names).not.toContain('late');
    });
  });
});
