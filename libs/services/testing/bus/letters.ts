import { eventually } from '@berth/testing';
import type { InvocationBus } from '../../src/bus/invocation-bus.js';
import { AppError, ServicesError } from '../../src/errors.js';
import { type InvocationReply, InvocationStatus } from '../../src/invocation/invocation.js';
import { errorReply, methodFailed } from '../../src/invocation/replies.js';
import { steadyNow } from '../../src/runtime/clock.js';
import {
  answering,
  codeOf,
  HeldHandler,
  invocation,
  later,
  letters,
  labTest,
  type MakeBuses,
  ofObject,
  okay,
  SERVICE,
  textOf,
} from './lab.js';

const { OKAY, APP_ERROR, SYSTEM_ERROR } = InvocationStatus;

function retry(bus: InvocationBus, id: string, timeoutMs?: number): Promise<InvocationReply | undefined> {
  return later(bus.retryDeadLetter(SERVICE, 0, id, { timeoutMs }));
}

/** Dead letters: listed, removed and called again. */
export function letterContract(make: MakeBuses): void {
  const test = labTest(make);

  test('dead letters are listed oldest first, of one service and partition, and can be removed', async (lab) => {
    await lab.serve({}, () => Promise.reject(new Error('no')));
    await lab.serve({ partition: 1 }, () => Promise.reject(new Error('no')));
    const ids: string[] = [];
    for (let i = 0; i < 4; i += 1) {
      const call = invocation();
      ids.push(call.id);
      await lab.call(call, 'at-least-once');
    }
    await lab.call(invocation({ partition: 1 }), 'at-least-once');
    const all = await letters(lab, 4);
    expect(all.map((letter) => letter.invocation.id)).toEqual(ids);
    expect(new Set(all.map(({ id }) => id)).size).toBe(4);
    expect((await lab.caller.deadLetters(SERVICE, 0, 2)).map((letter) => letter.invocation.id)).toEqual(
      ids.slice(0, 2),
    );
    expect(await lab.caller.deadLetters('shop.Other', 0)).toEqual([]);
    const second = all[1]?.id ?? '';
    expect(await lab.caller.removeDeadLetter(SERVICE, 1, `${second}0`)).toBe(false);
    expect(await lab.caller.removeDeadLetter(SERVICE, 0, second)).toBe(true);
    expect(await lab.caller.removeDeadLetter(SERVICE, 0, second)).toBe(false);
    expect((await letters(lab, 3)).map((letter) => letter.invocation.id)).toEqual([ids[0], ids[2], ids[3]]);
    expect(await lab.caller.deadLetters(SERVICE, 1)).toHaveLength(1);
  });

  test(
    'the oldest dead letters make room for new ones',
    async (lab) => {
      await lab.serve({}, () => Promise.reject(new Error('no')));
      const ids: string[] = [];
      for (let i = 0; i < 5; i += 1) {
        const call = invocation();
        ids.push(call.id);
        await lab.call(call, 'at-least-once');
      }
      expect((await letters(lab, 3)).map((letter) => letter.invocation.id)).toEqual(ids.slice(2));
    },
    { deadLetterLimit: 3 },
  );

  test('a retry runs the call again, with its id, key and delivery; when it is OKAY the letter goes', async (lab) => {
    const seen: unknown[] = [];
    let fails = true;
    await lab.serve({}, (delivery) => {
      const { id, idempotencyKey, payload, options, chain, deadline = 0 } = delivery.invocation;
      seen.push([
        id,
        idempotencyKey,
        Buffer.from(payload).toString(),
        options,
        delivery.delivery,
        delivery.attempt,
        chain,
      ]);
      expect(deadline).toBeGreaterThan(steadyNow());
      return fails ? Promise.reject(new Error('no')) : Promise.resolve(okay(delivery, Buffer.from('at last')));
    });
    const part = { payload: Buffer.from('some'), options: { a: 'b' }, idempotencyKey: 'k', chain: 'shop.Other/0/x' };
    const call = ofObject('one', { ...part, deadline: steadyNow() + 10_000 });
    await lab.call(call, 'at-least-once');
    await letters(lab, 1);
    fails = false;
    expect(await retry(lab.caller, 'none')).toBeUndefined();
    const reply = await retry(lab.caller, call.id);
    expect(reply).toMatchObject({ status: OKAY, invocationId: call.id });
    expect(textOf(reply as InvocationReply)).toBe('at last');
    const run = [call.id, 'k', 'some', { a: 'b' }, 'at-least-once', 1];
    expect(seen).toEqual([
      [...run, part.chain],
      [...run, undefined],
    ]);
    await letters(lab, 0);
    expect(await retry(lab.caller, call.id)).toBeUndefined();
  });

  test('a retry that fails again is one letter still, with the newer reason', async (lab) => {
    const ends = ['first', 'second'].map((text) => methodFailed(new Error(text)));
    const refused = methodFailed(new AppError('SOLD_OUT', 'no apples'));
    await lab.serve({}, ({ invocation: { id } }) => Promise.resolve(errorReply(id, ends.shift() ?? refused)));
    const call = invocation();
    await lab.call(call, 'at-least-once');
    const [first] = await letters(lab, 1);
    expect(first).toMatchObject({ id: call.id, message: 'first', reason: 'failed' });
    const newest = (message: string): Promise<unknown> =>
      eventually(async () => (await lab.caller.deadLetters(SERVICE, 0))[0]?.message === message);
    expect(await retry(lab.caller, call.id)).toMatchObject({ status: APP_ERROR });
    await newest('second');
    expect(await retry(lab.caller, call.id)).toMatchObject({ status: APP_ERROR });
    await newest('no apples');
    const [last, ...others] = await letters(lab, 1);
    expect(others).toEqual([]);
    expect((last?.at ?? '') >= (first?.at ?? '')).toBe(true);
  });

  test('an at-most-once letter is retried as such: begun once by each retry', async (lab) => {
    const held = new HeldHandler();
    const agent = await lab.serve({}, held.handle);
    const call = invocation();
    const lost = lab.call(call);
    await eventually(() => held.begun.length === 1);
    await agent.stop(0);
    expect(await codeOf(lost)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    await letters(lab, 1);
    expect(await codeOf(retry(lab.caller, call.id))).toBe('BERTH_SERVICE_NO_AGENT');
    expect(await letters(lab, 1)).toMatchObject([{ reason: 'worker-lost', attempts: 1 }]);
    const failing = await lab.serve({}, () => Promise.reject(new Error('not yet')));
    expect(await retry(lab.caller, call.id)).toMatchObject({ status: SYSTEM_ERROR });
    await eventually(async () => (await letters(lab, 1))[0]?.message === 'not yet');
    await failing.stop(0);
    const second = new HeldHandler();
    await lab.serve({}, second.handle);
    const again = retry(lab.caller, call.id);
    await eventually(() => second.begun.length === 1);
    expect(second.begun[0]).toMatchObject({ delivery: 'at-most-once', attempt: 1 });
    second.answer();
    expect((await again)?.status).toBe(OKAY);
    await letters(lab, 0);
    held.answerAll();
  });

  test('two retries of one letter at once run it once, and both have the reply', async (lab) => {
    await lab.serve({ partition: 1 }, answering('elsewhere'));
    const failing = await lab.serve({}, () => Promise.reject(new Error('no')));
    const call = invocation();
    await lab.call(call, 'at-least-once');
    await letters(lab, 1);
    await failing.stop(0);
    const held = new HeldHandler();
    await lab.serve({}, held.handle);
    const both = [retry(lab.caller, call.id), retry(lab.caller, call.id)];
    await eventually(() => held.begun.length > 0);
    held.answer('one');
    expect((await Promise.all(both)).map((reply) => textOf(reply as InvocationReply))).toEqual(['one', 'one']);
    expect(held.begun).toHaveLength(1);
    await letters(lab, 0);
  });

  test('a retry has the deadline that it is given; what outlives it is kept, as expired', async (lab) => {
    const failing = await lab.serve({}, () => Promise.reject(new Error('no')));
    const call = invocation();
    await lab.call(call, 'at-least-once');
    await letters(lab, 1);
    await failing.stop(0);
    const held = new HeldHandler();
    await lab.serve({}, held.handle);
    const late = retry(lab.caller, call.id, 300);
    await eventually(() => held.begun.length === 1);
    expect(await codeOf(late)).toBe('BERTH_SERVICE_TIMEOUT');
    await eventually(async () => (await letters(lab, 1))[0]?.reason === 'expired');
    expect(await codeOf(retry(lab.caller, call.id, 0))).toBe('BERTH_SERVICE_INVALID');
    held.answerAll();
  });

  test('a closed bus has no dead letters', async (lab) => {
    const bus = await lab.connect();
    await bus.close();
    for (const asked of [bus.deadLetters(SERVICE, 0), bus.removeDeadLetter(SERVICE, 0, 'a'), retry(bus, 'a')])
      await expect(asked).rejects.toThrow(ServicesError);
  });
}
