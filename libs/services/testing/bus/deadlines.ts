import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@berth/testing';
import { CODE_HEADER, InvocationStatus } from '../../src/invocation/invocation.js';
import {
  answering,
  codeOf,
  HeldHandler,
  invocation,
  labTest,
  later,
  type MakeBuses,
  ofObject,
  okay,
  SERVICE,
  subscription,
  textOf,
} from './lab.js';
import { steadyNow } from '../../src/runtime/clock.js';

/** Deadlines, callers that leave, and queues that are full. */
export function deadlineContract(make: MakeBuses): void {
  const test = labTest(make);

  test('a call without a reply by its deadline is TIMEOUT, and its object goes on afterwards', async (lab) => {
    const held = new HeldHandler();
    await lab.serve({}, held.handle);
    const started = Date.now();
    expect(await codeOf(lab.call(ofObject('one', { deadline: started + 150 })))).toBe('BERTH_SERVICE_TIMEOUT');
    expect(Date.now() - started).toBeGreaterThanOrEqual(149);
    const next = lab.call(ofObject('one'));
    held.answer('too late');
    await eventually(() => held.begun.length === 2);
    held.answer('in time');
    expect(textOf(await next)).toBe('in time');
  });

  test(
    'a call without a deadline has that of the bus',
    async (lab) => {
      const held = new HeldHandler();
      await lab.serve({}, held.handle);
      expect(await codeOf(lab.call(invocation()))).toBe('BERTH_SERVICE_TIMEOUT');
      held.answerAll();
    },
    { defaultTimeoutMs: 100 },
  );

  test('what has not begun by its deadline never begins; at-least-once it is a dead letter', async (lab) => {
    const held = new HeldHandler();
    await lab.serve({}, held.handle);
    const first = lab.call(ofObject('one'));
    await eventually(() => held.begun.length === 1);
    // Far enough away for all to be accepted before, on a machine with other work too.
    const deadline = Date.now() + 1000;
    const once = lab.call(ofObject('one', { deadline }));
    const expiring = ofObject('one', { deadline, payload: Buffer.from('late') });
    const atLeastOnce = lab.call(expiring, 'at-least-once');
    const last = lab.call(ofObject('one'));
    expect(await codeOf(once)).toBe('BERTH_SERVICE_TIMEOUT');
    expect(await codeOf(atLeastOnce)).toBe('BERTH_SERVICE_TIMEOUT');
    // A broker's clock is known only roughly.
    await sleep(200);
    held.answer('first');
    expect(textOf(await first)).toBe('first');
    await eventually(() => held.begun.length === 2);
    held.answer('last');
    expect(textOf(await last)).toBe('last');
    expect(held.begun).toHaveLength(2);
    const [letter, ...others] = await eventually(async () => {
      const letters = await lab.caller.deadLetters(SERVICE, 0);
      return letters.length > 0 ? letters : undefined;
    });
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ reason: 'expired', attempts: 0, delivery: 'at-least-once' });
    expect(letter?.invocation.id).toBe(expiring.id);
    expect(Buffer.from(letter?.invocation.payload ?? []).toString()).toBe('late');
  });

  test('a deadline in the past is TIMEOUT, and nothing begins', async (lab) => {
    const held = new HeldHandler();
    await lab.serve({}, held.handle);
    expect(await codeOf(lab.call(invocation({ deadline: steadyNow() - 1 })))).toBe('BERTH_SERVICE_TIMEOUT');
    expect(await codeOf(lab.call(ofObject('one', { deadline: 0 })))).toBe('BERTH_SERVICE_TIMEOUT');
    const after = lab.call(invocation());
    await eventually(() => held.begun.length === 1);
    held.answer();
    await after;
    expect(held.begun).toHaveLength(1);
  });

  test('a caller that leaves gets CANCELLED at once, and its object goes on', async (lab) => {
    const held = new HeldHandler();
    await lab.serve({}, held.handle);
    expect(await codeOf(lab.call(ofObject('one'), 'at-most-once', AbortSignal.abort()))).toBe(
      'BERTH_SERVICE_CANCELLED',
    );
    const leaving = new AbortController();
    const call = lab.call(ofObject('one'), 'at-most-once', leaving.signal);
    await eventually(() => held.begun.length === 1);
    leaving.abort();
    expect(await codeOf(call)).toBe('BERTH_SERVICE_CANCELLED');
    const next = lab.call(ofObject('one'));
    held.answer('nobody hears it');
    await eventually(() => held.begun.length === 2);
    held.answer('next');
    expect(textOf(await next)).toBe('next');
  });

  test('a method that runs is told that its caller has left, and no other is', async (lab) => {
    const held = new HeldHandler();
    await lab.serve({}, held.handle);
    await lab.serve({ objectId: 'one' }, held.handle);
    const leaving = new AbortController();
    const calls = [ofObject('one'), ofObject('two'), invocation()].flatMap((call) => [
      lab.call(call, 'at-most-once', leaving.signal),
      lab.call({ ...call, id: `${call.id}-stays`, objectId: call.objectId && `${call.objectId}-stays` }),
    ]);
    await eventually(() => held.begun.length === 6);
    const [left, stays] = [false, true].map((stay) =>
      held.begun.filter(({ invocation: { id } }) => id.endsWith('-stays') === stay),
    );
    // Made before one of them has ended, and after.
    const early = left?.[0]?.signal;
    expect(early?.aborted).toBe(false);
    leaving.abort();
    await eventually(() => left?.every(({ signal }) => signal.aborted));
    expect(early?.aborted).toBe(true);
    expect(left?.[0]?.signal.reason).toMatchObject({ code: 'BERTH_SERVICE_CANCELLED' });
    expect(stays?.map(({ signal }) => signal.aborted)).toEqual([false, false, false]);
    held.answerAll();
    const codes = await Promise.all(calls.map((call, i) => (i % 2 === 0 ? codeOf(call) : call.then(textOf))));
    expect(codes).toEqual(Array.from({ length: 3 }, () => ['BERTH_SERVICE_CANCELLED', 'done']).flat());
  });

  test('a method of an agent that is stopping is told too', async (lab) => {
    const held = new HeldHandler();
    const agents = [await lab.serve({}, held.handle), await lab.serve({ objectId: 'one' }, held.handle)];
    const leaving = new AbortController();
    const calls = [ofObject('one'), ofObject('two'), invocation()].map((call) =>
      lab.call(call, 'at-most-once', leaving.signal),
    );
    await eventually(() => held.begun.length === 3);
    // Longer than the test may take: they stop when their methods end.
    const stopped = Promise.all(agents.map((agent) => agent.stop(60_000)));
    await eventually(() => codeOf(lab.call(ofObject('three'))).then((code) => code === 'BERTH_SERVICE_NO_AGENT'));
    leaving.abort();
    await eventually(() => held.begun.every(({ signal }) => signal.aborted));
    for (const call of calls) expect(await codeOf(call)).toBe('BERTH_SERVICE_CANCELLED');
    held.answerAll();
    await stopped;
  });

  test('a caller that leaves before its method has begun takes its invocation along', async (lab) => {
    const held = new HeldHandler();
    const agent = await lab.connect();
    await agent.serve(subscription(), held.handle);
    await agent.serve(subscription({ partition: 1 }), answering('here'));
    const first = lab.call(ofObject('one'));
    await eventually(() => held.begun.length === 1);
    const leaving = new AbortController();
    const queued = lab.call(ofObject('one'), 'at-most-once', leaving.signal);
    const last = ofObject('one');
    const lastReply = lab.call(last);
    leaving.abort();
    expect(await codeOf(queued)).toBe('BERTH_SERVICE_CANCELLED');
    // Whatever the bus has to say about it has come to the agent when this is answered.
    expect(textOf(await lab.call(invocation({ partition: 1 })))).toBe('here');
    expect(await lab.caller.deadLetters(SERVICE, 0)).toEqual([]);
    held.answer();
    await first;
    await eventually(() => held.begun.length === 2);
    held.answer();
    await lastReply;
    expect(held.begun[1]?.invocation.id).toBe(last.id);
  });

  test(
    'a payload above the bound is PAYLOAD_TOO_LARGE, one at the bound passes',
    async (lab) => {
      await lab.serve({}, (delivery) => Promise.resolve(okay(delivery)));
      expect(await codeOf(lab.call(invocation({ payload: Buffer.alloc(1001) })))).toBe(
        'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
      );
      expect((await lab.call(invocation({ payload: Buffer.alloc(1000) }))).status).toBe(0);
    },
    { maxPayloadBytes: 1000 },
  );

  test(
    'a reply above the bound is BAD_RESULT, one at the bound passes',
    async (lab) => {
      await lab.serve({}, (delivery) => {
        const size = Number(delivery.invocation.options['size']);
        return Promise.resolve(okay(delivery, Buffer.alloc(size)));
      });
      expect((await lab.call(invocation({ options: { size: '1000' } }))).payload).toHaveLength(1000);
      const reply = await lab.call(invocation({ options: { size: '1001' } }));
      expect(reply.status).toBe(InvocationStatus.APP_ERROR);
      expect(reply.headers[CODE_HEADER]).toBe('BERTH_SERVICE_BAD_RESULT');
    },
    { maxPayloadBytes: 1000 },
  );

  test(
    'a full queue of an object is BUSY, for that object alone, until there is room',
    async (lab) => {
      const held = new HeldHandler();
      await lab.serve({}, (delivery) =>
        delivery.invocation.objectId === 'one' ? held.handle(delivery) : Promise.resolve(okay(delivery)),
      );
      const accepted = [lab.call(ofObject('one'))];
      await eventually(() => held.begun.length === 1);
      for (let i = 0; i < 3; i += 1) accepted.push(lab.call(ofObject('one')));
      expect(await codeOf(lab.call(ofObject('one')))).toBe('BERTH_SERVICE_BUSY');
      expect((await lab.call(ofObject('two'))).status).toBe(0);
      held.answer();
      await eventually(() => held.begun.length === 2);
      accepted.push(lab.call(ofObject('one')));
      for (let i = 2; i <= 5; i += 1) {
        await eventually(() => held.begun.length === i);
        held.answer();
      }
      expect((await Promise.all(accepted)).map(({ status }) => status)).toEqual([0, 0, 0, 0, 0]);
    },
    { maxQueuedPerObject: 3 },
  );

  test(
    'a full queue of a method is BUSY, for that method alone',
    async (lab) => {
      const held = new HeldHandler();
      await lab.serve({ statelessMethods: ['slow'], concurrency: 1 }, held.handle);
      await lab.serve({ statelessMethods: ['fast'], objectId: 'none' }, (delivery) => Promise.resolve(okay(delivery)));
      const slow = invocation({ method: 'slow' });
      const accepted = [lab.call(slow)];
      await eventually(() => held.begun.length === 1);
      // A bus may have handed some to the agent already; in the end it is full.
      const refusals: string[] = [];
      for (let i = 0; i < 20; i += 1) {
        const call = later(lab.caller.invoke({ ...slow, id: `more-${i}` }, { delivery: 'at-most-once' }));
        const code = await Promise.race([codeOf(call), new Promise<string>((resolve) => setTimeout(resolve, 50, ''))]);
        if (code !== '') refusals.push(code);
        else accepted.push(call);
        if (refusals.length > 0) break;
      }
      expect(refusals).toEqual(['BERTH_SERVICE_BUSY']);
      expect((await lab.call(invocation({ method: 'fast' }))).status).toBe(0);
      for (let i = 1; i <= accepted.length; i += 1) {
        await eventually(() => held.begun.length === i);
        held.answer();
      }
      await Promise.all(accepted);
    },
    { maxQueuedPerMethod: 3 },
  );

  test(
    'more calls than may wait are BUSY',
    async (lab) => {
      const held = new HeldHandler();
      await lab.serve({}, held.handle);
      const accepted = [lab.call(ofObject('one')), lab.call(ofObject('two')), lab.call(invocation())];
      expect(await codeOf(lab.call(ofObject('three')))).toBe('BERTH_SERVICE_BUSY');
      expect(await codeOf(lab.call(invocation()))).toBe('BERTH_SERVICE_BUSY');
      await eventually(() => held.begun.length === 3);
      held.answerAll();
      await Promise.all(accepted);
      const after = lab.call(invocation());
      await eventually(() => held.begun.length === 4);
      held.answer();
      await after;
    },
    { maxPendingCalls: 3 },
  );
}
