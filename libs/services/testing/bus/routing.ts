import { eventually } from '@berth/testing';
import { answering, codeOf, HeldHandler, invocation, labTest, type MakeBuses, ofObject, textOf } from './lab.js';

/** Who gets an invocation. */
export function routingContract(make: MakeBuses): void {
  const test = labTest(make);

  test('B14: what nobody serves is NO_AGENT at once', async (lab) => {
    expect(await codeOf(lab.call(invocation()))).toBe('BERTH_SERVICE_NO_AGENT');
    await lab.serve({ objectId: 'one', statelessMethods: ['listed'] }, answering('agent'));
    for (const nobodys of [
      invocation({ method: 'unlisted' }),
      invocation({ method: 'listed', service: 'shop.Other' }),
      invocation({ method: 'listed', partition: 1 }),
      ofObject('two'),
      ofObject('one', { partition: 1 }),
    ]) {
      expect(await codeOf(lab.call(nobodys))).toBe('BERTH_SERVICE_NO_AGENT');
      expect(await codeOf(lab.call(nobodys, 'at-least-once'))).toBe('BERTH_SERVICE_NO_AGENT');
    }
    expect(textOf(await lab.call(ofObject('one')))).toBe('agent');
    expect(textOf(await lab.call(invocation({ method: 'listed' })))).toBe('agent');
  });

  test('B5: an object goes to its own agent where there is one, else to those of every object', async (lab) => {
    await lab.serve({}, answering('every'));
    const own = await lab.serve({ objectId: 'one' }, answering('own'));
    for (let i = 0; i < 5; i += 1) {
      expect(textOf(await lab.call(ofObject('one')))).toBe('own');
      expect(textOf(await lab.call(ofObject('two')))).toBe('every');
    }
    await own.stop(1000);
    expect(textOf(await lab.call(ofObject('one')))).toBe('every');
  });

  test('B5: partitions are served apart', async (lab) => {
    await lab.serve({ partition: 0 }, answering('zero'));
    await lab.serve({ partition: 4_294_967_295 }, answering('last'));
    expect(textOf(await lab.call(ofObject('one')))).toBe('zero');
    expect(textOf(await lab.call(ofObject('one', { partition: 4_294_967_295 })))).toBe('last');
    expect(textOf(await lab.call(invocation({ partition: 4_294_967_295 })))).toBe('last');
  });

  test('of competing replicas exactly one answers each call', async (lab) => {
    const runs = new Map<string, number>();
    for (let i = 0; i < 3; i += 1) {
      await lab.serve({ concurrency: 4 }, (delivery) => {
        const { id } = delivery.invocation;
        runs.set(id, (runs.get(id) ?? 0) + 1);
        return answering(`replica ${i}`)(delivery);
      });
    }
    const calls = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? invocation() : ofObject(`object ${i % 20}`)));
    const replies = await Promise.all(
      calls.map((call, i) => lab.call(call, i % 4 < 2 ? 'at-most-once' : 'at-least-once')),
    );
    expect(replies.map(({ invocationId }) => invocationId)).toEqual(calls.map(({ id }) => id));
    expect([...runs.keys()].sort()).toEqual(calls.map(({ id }) => id).sort());
    expect(new Set(runs.values())).toEqual(new Set([1]));
  });

  test('competing replicas share by what they have free', async (lab) => {
    const handlers = [new HeldHandler(), new HeldHandler(), new HeldHandler()];
    for (const handler of handlers) await lab.serve({ concurrency: 2 }, handler.handle);
    const calls = Array.from({ length: 7 }, () => lab.call(invocation()));
    await eventually(() => handlers.every(({ begun }) => begun.length === 2));
    handlers[1]?.answer();
    await eventually(() => handlers[1]?.begun.length === 3);
    expect(handlers.map(({ begun }) => begun.length)).toEqual([2, 3, 2]);
    for (const handler of handlers) handler.answerAll();
    await Promise.all(calls);
  });

  test('an agent that leaves hands the queue of its object to others, in order', async (lab) => {
    const seen: string[] = [];
    const held = new HeldHandler();
    const own = await lab.serve({ objectId: 'one' }, held.handle);
    await lab.serve({}, (delivery) => {
      seen.push(delivery.invocation.id);
      return answering('every')(delivery);
    });
    const calls = Array.from({ length: 6 }, () => ofObject('one'));
    const replies = calls.map((call) => lab.call(call));
    await eventually(() => held.begun.length === 1);
    const stopped = own.stop(10_000);
    held.answer('own');
    await stopped;
    expect(own.state).toBe('stopped');
    expect((await Promise.all(replies)).map(textOf)).toEqual(['own', 'every', 'every', 'every', 'every', 'every']);
    expect(seen).toEqual(calls.slice(1).map(({ id }) => id));
    expect(held.begun).toHaveLength(1);
  });

  test('an agent that stops answers what runs, and takes nothing new', async (lab) => {
    const held = new HeldHandler();
    const agent = await lab.serve({}, held.handle);
    expect(agent.state).toBe('running');
    const running = [lab.call(invocation()), lab.call(ofObject('one'))];
    await eventually(() => held.begun.length === 2);
    const stopped = agent.stop(10_000);
    await eventually(async () => (await codeOf(lab.call(invocation()))) === 'BERTH_SERVICE_NO_AGENT');
    expect(await codeOf(lab.call(ofObject('two')))).toBe('BERTH_SERVICE_NO_AGENT');
    held.answerAll();
    expect((await Promise.all(running)).map(textOf)).toEqual(['done', 'done']);
    await stopped;
    expect(agent.state).toBe('stopped');
    await agent.stop(0);
    expect(held.begun).toHaveLength(2);
  });

  test('what was accepted waits for the next agent when its own has gone, in order', async (lab) => {
    const held = new HeldHandler();
    const first = await lab.serve({ concurrency: 1 }, held.handle);
    const calls = Array.from({ length: 4 }, () => ofObject('one'));
    const replies = calls.map((call) => lab.call(call));
    await eventually(() => held.begun.length === 1);
    const stopped = first.stop(10_000);
    held.answer('first');
    await stopped;
    expect(await codeOf(lab.call(ofObject('one')))).toBe('BERTH_SERVICE_NO_AGENT');
    const seen: string[] = [];
    await lab.serve({}, (delivery) => {
      seen.push(delivery.invocation.id);
      return answering('next')(delivery);
    });
    expect((await Promise.all(replies)).map(textOf)).toEqual(['first', 'next', 'next', 'next']);
    expect(seen).toEqual(calls.slice(1).map(({ id }) => id));
  });
}
