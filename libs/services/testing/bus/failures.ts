import { eventually } from '@berth/testing';
import { invocationKey, type InvocationReply, InvocationStatus } from '../../src/invocation/invocation.js';
import { AppError, ServicesError } from '../../src/errors.js';
import { errorReply, methodFailed } from '../../src/invocation/replies.js';
import {
  answering,
  codeOf,
  HeldHandler,
  invocation,
  labTest,
  letters,
  type MakeBuses,
  ofObject,
  okay,
  SERVICE,
  textOf,
} from './lab.js';

function failing(message: string): InvocationReply {
  const body = JSON.stringify({ error: { code: 'OUT_OF_STOCK', message } });
  return { status: InvocationStatus.APP_ERROR, payload: Buffer.from(body), headers: {}, invocationId: 'x' };
}

/** Handlers that fail, and workers that are lost. */
export function failureContract(make: MakeBuses): void {
  const test = labTest(make);

  test('a handler that rejects or throws at once is SYSTEM_ERROR, and the agent goes on', async (lab) => {
    let calls = 0;
    await lab.serve({ concurrency: 1 }, (delivery) => {
      calls += 1;
      if (calls % 3 === 1) return Promise.reject(new Error('rejected'));
      if (calls % 3 === 2) throw new Error('thrown');
      return Promise.resolve(okay(delivery));
    });
    const replies = await Promise.all(Array.from({ length: 9 }, () => lab.call(ofObject('one'))));
    const { SYSTEM_ERROR, OKAY } = InvocationStatus;
    const three = [SYSTEM_ERROR, SYSTEM_ERROR, OKAY];
    expect(replies.map(({ status }) => status)).toEqual([...three, ...three, ...three]);
    const body = JSON.parse(textOf(replies[0] as InvocationReply) ?? '') as {
      error: { code: string; message: string };
    };
    expect(body.error.code).toMatch(/^BERTH_/);
    expect(await lab.caller.deadLetters(SERVICE, 0)).toEqual([]);
  });

  test('an at-least-once call that fails is answered and a dead letter; at-most-once it is answered', async (lab) => {
    await lab.serve({}, ({ invocation: { payload, id } }) => {
      if (payload.length === 0) return Promise.reject(new Error('no payload'));
      return Promise.resolve({ ...failing('nothing left'), invocationId: id });
    });
    const call = ofObject('größe', { payload: Buffer.from([0, 255]), options: { a: 'b' }, idempotencyKey: 'k' });
    expect((await lab.call({ ...call, id: 'other' })).status).toBe(InvocationStatus.APP_ERROR);
    expect((await lab.call(call, 'at-least-once')).status).toBe(InvocationStatus.APP_ERROR);
    expect((await lab.call(invocation(), 'at-least-once')).status).toBe(InvocationStatus.SYSTEM_ERROR);
    const [failed, rejected] = await letters(lab, 2);
    expect(failed).toMatchObject({ reason: 'failed', attempts: 1, message: 'nothing left', key: invocationKey(call) });
    expect(failed?.invocation).toMatchObject({
      id: call.id,
      objectId: 'größe',
      options: { a: 'b' },
      idempotencyKey: 'k',
    });
    expect([...(failed?.invocation.payload ?? [])]).toEqual([0, 255]);
    expect(rejected).toMatchObject({ reason: 'failed', message: 'no payload', delivery: 'at-least-once' });
    expect(Math.abs(Date.parse(rejected?.at ?? '') - Date.now())).toBeLessThan(60_000);
  });

  test("a caller's mistake, and a method that says no, are outcomes and no dead letters", async (lab) => {
    const outcomes = [
      new ServicesError('BERTH_SERVICE_BAD_PAYLOAD', 'not JSON'),
      methodFailed(new AppError('SOLD_OUT', 'no apples')),
      methodFailed(new Error('a fault')),
    ];
    await lab.serve({}, ({ invocation: { id } }) => Promise.resolve(errorReply(id, outcomes.shift() as ServicesError)));
    const { INVALID_REQUEST, APP_ERROR } = InvocationStatus;
    for (const status of [INVALID_REQUEST, APP_ERROR, APP_ERROR])
      expect((await lab.call(invocation(), 'at-least-once')).status).toBe(status);
    expect((await letters(lab, 1)).map(({ message }) => message)).toEqual(['a fault']);
  });

  test('a method that gives up because its caller has left is no dead letter; one that fails then is', async (lab) => {
    const ends: Record<string, (signal: AbortSignal) => Promise<never>> = {
      reason: (signal) => Promise.reject(methodFailed(signal.reason)),
      // As what takes a signal throws it.
      waited: () => Promise.reject(methodFailed(Object.assign(new Error('aborted'), { name: 'AbortError' }))),
      pause: () => Promise.reject(new ServicesError('BERTH_SERVICE_CANCELLED', 'the caller has left')),
      fault: () => Promise.reject(methodFailed(new Error('a fault'))),
    };
    let begun = 0;
    await lab.serve({}, async (delivery) => {
      const { signal } = delivery;
      const { id, method } = delivery.invocation;
      const end = ends[method];
      if (end === undefined) return okay(delivery);
      begun += 1;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return end(signal).catch((thrown: unknown) => errorReply(id, thrown as ServicesError));
    });
    const leaving = new AbortController();
    const methods = Object.keys(ends);
    const calls = methods.map((method) => lab.call(ofObject(method, { method }), 'at-least-once', leaving.signal));
    await eventually(() => begun === calls.length);
    leaving.abort();
    for (const call of calls) expect(await codeOf(call)).toBe('BERTH_SERVICE_CANCELLED');
    // An object goes on when what it ran has been answered.
    for (const method of methods) await lab.call(ofObject(method, { method: 'next' }));
    expect((await letters(lab, 1)).map(({ reason, message }) => [reason, message])).toEqual([['failed', 'a fault']]);
  });

  test('at-least-once goes to another worker when the first is lost, before what waits behind it', async (lab) => {
    const held = new HeldHandler();
    const first = await lab.serve({ objectId: 'one' }, held.handle);
    const seen: string[] = [];
    await lab.serve({}, (delivery) => {
      seen.push(`${delivery.invocation.id} ${delivery.attempt} ${delivery.invocation.idempotencyKey ?? ''}`);
      return answering(Buffer.from(delivery.invocation.payload).toString())(delivery);
    });
    const lost = ofObject('one', { idempotencyKey: 'k', payload: Buffer.from('sent') });
    const next = ofObject('one');
    const replies = [lab.call(lost, 'at-least-once'), lab.call(next)];
    await eventually(() => held.begun.length === 1);
    held.begun[0]?.invocation.payload.fill(0);
    await first.stop(0);
    expect(held.begun[0]?.signal.aborted).toBe(true);
    expect((await Promise.all(replies)).map(textOf)).toEqual(['sent', '']);
    expect(seen).toEqual([`${lost.id} 2 k`, `${next.id} 1 `]);
    // The answer of a lost worker comes too late.
    held.answer('again');
    expect(await lab.caller.deadLetters(SERVICE, 0)).toEqual([]);
  });

  test(
    'after maxDeliveries an at-least-once call is a dead letter, and its outcome unknown',
    async (lab) => {
      const held = new HeldHandler();
      const first = await lab.serve({}, held.handle);
      const call = invocation();
      const reply = lab.call(call, 'at-least-once');
      await eventually(() => held.begun.length === 1);
      const second = await lab.serve({}, held.handle);
      await first.stop(0);
      await eventually(() => held.begun.length === 2);
      await lab.serve({}, held.handle);
      await second.stop(0);
      expect(await codeOf(reply)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
      const [letter] = await letters(lab, 1);
      expect(letter).toMatchObject({ reason: 'worker-lost', attempts: 2 });
      expect(letter?.invocation.id).toBe(call.id);
      expect(held.begun.map(({ attempt }) => attempt)).toEqual([1, 2]);
    },
    { maxDeliveries: 2 },
  );

  test('what was cut off says so, also when its caller had left before', async (lab) => {
    const held = new HeldHandler();
    const agent = await lab.serve({}, held.handle);
    const leaving = new AbortController();
    const left = lab.call(ofObject('one'), 'at-most-once', leaving.signal);
    const stayed = lab.call(ofObject('two'));
    await eventually(() => held.begun.length === 2);
    leaving.abort();
    expect(await codeOf(left)).toBe('BERTH_SERVICE_CANCELLED');
    const ofOne = held.begun.find(({ invocation: { objectId } }) => objectId === 'one');
    await eventually(() => ofOne?.signal.aborted);
    expect(held.begun.map(({ isCut }) => isCut)).toEqual([false, false]);
    await agent.stop(0);
    expect(await codeOf(stayed)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    expect(held.begun.map(({ isCut }) => isCut)).toEqual([true, true]);
    expect(ofOne?.signal.reason).toMatchObject({ code: 'BERTH_SERVICE_CANCELLED' });
    held.answerAll();
  });

  test('at-most-once is never begun twice: its outcome is unknown, and it is a dead letter', async (lab) => {
    const held = new HeldHandler();
    const first = await lab.serve({}, held.handle);
    await lab.serve({ objectId: 'elsewhere', statelessMethods: [] }, answering('elsewhere'));
    const lost = [ofObject('one'), invocation()];
    const replies = lost.map((call) => lab.call(call));
    await eventually(() => held.begun.length === 2);
    const waiting = ofObject('one');
    const last = lab.call(waiting);
    const second = new HeldHandler();
    await lab.serve({ concurrency: 1 }, second.handle);
    await first.stop(20);
    for (const reply of replies) expect(await codeOf(reply)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    await eventually(() => second.begun.length === 1);
    second.answer('last');
    expect(textOf(await last)).toBe('last');
    expect(second.begun.map((delivery) => delivery.invocation.id)).toEqual([waiting.id]);
    const found = await letters(lab, 2);
    expect(found.map(({ reason, attempts, delivery }) => [reason, attempts, delivery])).toEqual([
      ['worker-lost', 1, 'at-most-once'],
      ['worker-lost', 1, 'at-most-once'],
    ]);
    expect(found.map((letter) => letter.invocation.id).sort()).toEqual(lost.map(({ id }) => id).sort());
  });
}
