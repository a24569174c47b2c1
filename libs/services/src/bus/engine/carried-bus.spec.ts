import { eventually } from '@berth/testing';
import { CarriedLab } from '../../../testing/bus/carried-lab.js';
import {
  answering,
  HeldHandler,
  invocation,
  later,
  ofObject,
  okay,
  subscription,
  textOf,
} from '../../../testing/bus/lab.js';
import type { Invocation, InvocationReply } from '../../invocation/invocation.js';
import type { BusHandler, BusSubscription, InvocationBus } from '../invocation-bus.js';

const AT_MOST_ONCE = { delivery: 'at-most-once' } as const;

describe('a bus of several processes', () => {
  it('sends an object to one process, whoever calls', async () => {
    await using lab = new CarriedLab();
    const served = new Map<string, Set<number>>();
    for (let i = 0; i < 3; i += 1) {
      const { bus } = await lab.process();
      await bus.serve(subscription(), (delivery) => {
        const id = delivery.invocation.objectId ?? '';
        served.set(id, (served.get(id) ?? new Set()).add(i));
        return Promise.resolve(okay(delivery));
      });
    }
    const callers = await Promise.all([lab.process(), lab.process()]);
    for (let i = 0; i < 60; i += 1)
      for (const { bus } of callers) await bus.invoke(ofObject(`object ${i % 30}`), AT_MOST_ONCE);
    expect([...served.values()].map(({ size }) => size)).toEqual(Array.from({ length: 30 }, () => 1));
    expect(new Set([...served.values()].flatMap((who) => [...who]))).toEqual(new Set([0, 1, 2]));
  });

  it('tells a handler whether others may have had its objects since', async () => {
    await using lab = new CarriedLab();
    const { bus } = await lab.process();
    const terms: (number | undefined)[] = [];
    const handler: BusHandler = (delivery) => {
      terms.push(delivery.term);
      return Promise.resolve(okay(delivery));
    };
    await bus.serve(subscription(), handler);
    const call = (): Promise<unknown> => bus.invoke(ofObject('a'), AT_MOST_ONCE);
    await call();
    await call();
    const other = await lab.process();
    const served = await other.bus.serve(subscription(), (delivery) => Promise.resolve(okay(delivery)));
    await served.stop(0);
    await call();
    await call();
    expect(terms.map((term) => term === terms[0])).toEqual([true, true, false, false]);
    expect(terms[3]).toBe(terms[2]);
    // Two handlers of one process may both get calls of the object.
    await bus.serve(subscription(), handler);
    await call();
    expect(terms[4]).toBeUndefined();
  });

  it('hands objects to a process that joins when what runs has ended, and what waits in its order', async () => {
    await using lab = new CarriedLab();
    const first = await lab.process();
    const second = await lab.process();
    const held = new HeldHandler();
    await first.bus.serve(subscription({ concurrency: 100 }), held.handle);
    const caller = await lab.process();
    const names = Array.from({ length: 20 }, (_, i) => `object ${i}`);
    const calls = names.flatMap((name) => [1, 2, 3].map(() => ofObject(name)));
    const replies = calls.map((call) => later(caller.bus.invoke(call, AT_MOST_ONCE)));
    await eventually(() => held.begun.length === names.length);
    const seen = new Map<string, string[]>();
    await second.bus.serve(subscription({ concurrency: 100 }), (delivery) => {
      const { objectId = '', id } = delivery.invocation;
      seen.set(objectId, [...(seen.get(objectId) ?? []), id]);
      return answering('second')(delivery);
    });
    const other = await lab.process();
    for (const name of names) calls.push(ofObject(name));
    replies.push(...calls.slice(-names.length).map((call) => later(other.bus.invoke(call, AT_MOST_ONCE))));
    // They have come where they go when one that was called after them is answered there.
    const fresh = Array.from({ length: 10 }, (_, i) => later(other.bus.invoke(ofObject(`new ${i}`), AT_MOST_ONCE)));
    expect(textOf(await Promise.race(fresh))).toBe('second');
    for (const name of names) expect(seen.has(name)).toBe(false);
    seen.clear();
    const all = Promise.all(replies).then(() => true);
    while (!(await Promise.race([all, new Promise<false>((resolve) => setTimeout(resolve, 5, false))])))
      held.answerAll();
    expect(seen.size).toBeGreaterThan(0);
    for (const [name, ids] of seen) {
      const [, ...ofCaller] = calls.filter(({ objectId }) => objectId === name).map(({ id }) => id);
      const last = ofCaller.pop();
      // Of each caller in its order; the two take turns as it happens.
      expect(ids.filter((id) => id !== last)).toEqual(ofCaller);
      expect(ids).toContain(last);
    }
  });

  it('a process that joins begins nothing of an object until all others know of it', async () => {
    await using lab = new CarriedLab({ workerTimeoutMs: 20_000 });
    const [first, second, caller] = [await lab.process(), await lab.process(), await lab.process()];
    const held = new HeldHandler();
    await first.bus.serve(subscription({ concurrency: 100 }), held.handle);
    const names = Array.from({ length: 20 }, (_, i) => `object ${i}`);
    const calls = [1, 2, 3].flatMap(() => names.map((name) => ofObject(name)));
    const replies = calls.map((call) => caller.bus.invoke(call, AT_MOST_ONCE));
    await eventually(() => held.begun.length === names.length);
    const resume = first.carrier.stall();
    const seen: string[] = [];
    const serving = second.bus.serve(subscription({ statelessMethods: ['new'], concurrency: 100 }), (delivery) => {
      seen.push(delivery.invocation.id);
      return answering('second')(delivery);
    });
    await eventually(() => caller.bus.invoke(invocation({ method: 'new' }), AT_MOST_ONCE));
    seen.length = 0;
    // The caller knows who has them now; the first process does not yet.
    const late = [...names, ...names.map((name) => `fresh ${name}`)].map((name) => ofObject(name));
    for (const call of late) replies.push(caller.bus.invoke(call, AT_MOST_ONCE));
    await caller.bus.invoke(invocation({ method: 'new' }), AT_MOST_ONCE);
    expect(seen).toHaveLength(1);
    resume();
    await serving;
    const all = Promise.all(replies).then(() => true);
    while (!(await Promise.race([all, new Promise<false>((resolve) => setTimeout(resolve, 5, false))])))
      held.answerAll();
    // In the order of its calls, wherever they ran.
    for (const name of names) {
      const ids = [...calls, ...late].filter(({ objectId }) => objectId === name).map(({ id }) => id);
      const ran = [...held.begun.map(({ invocation: { id } }) => id), ...seen].filter((id) => ids.includes(id));
      expect(ran).toEqual(ids);
    }
    expect(seen.length).toBeGreaterThan(4);
  });

  it('calls of a process to its own objects go to the one that joins, and come back when it leaves, in their order', async () => {
    await using lab = new CarriedLab();
    const [first, second] = [await lab.process(), await lab.process()];
    const ran: { readonly by: InvocationBus; readonly id: string }[] = [];
    const serve = (by: InvocationBus): Promise<BusSubscription> =>
      by.serve(subscription({ concurrency: 100 }), async (delivery) => {
        ran.push({ by, id: delivery.invocation.id });
        await new Promise((resolve) => setTimeout(resolve, 5));
        return okay(delivery);
      });
    const names = Array.from({ length: 20 }, (_, i) => `object ${i}`);
    const calls: Invocation[] = [];
    const replies: Promise<InvocationReply>[] = [];
    const callAll = (times: number): void => {
      const more = Array.from({ length: times }, () => names.map((name) => ofObject(name))).flat();
      calls.push(...more);
      replies.push(...more.map((call) => later(first.bus.invoke(call, AT_MOST_ONCE))));
    };
    await serve(first.bus);
    callAll(10);
    const joined = await serve(second.bus);
    callAll(10);
    await eventually(() => ran.some(({ by }) => by === second.bus));
    callAll(5);
    const leaving = joined.stop(60_000);
    callAll(5);
    await Promise.all(replies);
    await leaving;
    for (const name of names) {
      const ids = calls.filter(({ objectId }) => objectId === name).map(({ id }) => id);
      expect(ran.filter(({ id }) => ids.includes(id)).map(({ id }) => id)).toEqual(ids);
    }
  });

  it('nothing newer overtakes what comes back from a process that had an object, lost it and has it again', async () => {
    await using lab = new CarriedLab({ workerTimeoutMs: 20_000 });
    const [agent, caller, other] = [await lab.process(), await lab.process(), await lab.process()];
    const held = new HeldHandler();
    await agent.bus.serve(subscription({ concurrency: 100 }), held.handle);
    const names = Array.from({ length: 10 }, (_, i) => `object ${i}`);
    const calls: Invocation[] = [];
    const replies: Promise<InvocationReply>[] = [];
    const callAll = (): void => {
      const more = names.map((name) => ofObject(name));
      calls.push(...more);
      replies.push(...more.map((call) => later(caller.bus.invoke(call, AT_MOST_ONCE))));
    };
    callAll();
    callAll();
    await eventually(() => held.begun.length === names.length);
    // It does not hear who comes, what is given back to it, and who goes.
    const resume = caller.carrier.stall();
    void other.bus.serve(subscription({ concurrency: 100 }), held.handle);
    await other.carrier.flush();
    await other.carrier.flush();
    callAll();
    await other.bus.close();
    callAll();
    await caller.carrier.flush();
    resume();
    const all = Promise.all(replies).then(() => true);
    while (!(await Promise.race([all, new Promise<false>((resolve) => setTimeout(resolve, 5, false))])))
      held.answerAll();
    for (const name of names) {
      const ids = calls.filter(({ objectId }) => objectId === name).map(({ id }) => id);
      expect(held.begun.map(({ invocation: { id } }) => id).filter((id) => ids.includes(id))).toEqual(ids);
    }
  });

  it('nothing newer overtakes what a broken connection has lost', async () => {
    await using lab = new CarriedLab({ workerTimeoutMs: 20_000 });
    const [agent, caller] = [await lab.process(), await lab.process()];
    const held = new HeldHandler();
    await agent.bus.serve(subscription(), held.handle);
    const calls = [1, 2, 3].map(() => ofObject('a'));
    const replies = calls.map((call, i) => {
      caller.carrier.mute = i === 1;
      return later(caller.bus.invoke(call, AT_MOST_ONCE));
    });
    await caller.carrier.flush();
    held.answer();
    await replies[0];
    // As after a new connection of the agent.
    (agent.bus as unknown as { presence: { back(): void } }).presence.back();
    for (const reply of replies.slice(1)) {
      await eventually(() => held.begun.length === replies.indexOf(reply) + 1);
      held.answer();
      await reply;
    }
    expect(held.begun.map(({ invocation: { id } }) => id)).toEqual(calls.map(({ id }) => id));
  });
});
