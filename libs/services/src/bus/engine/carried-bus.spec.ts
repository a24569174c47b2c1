import { jest } from '@jest/globals';
import { eventually } from '@berth/testing';
import { CarriedLab } from '../../../testing/bus/carried-lab.js';
import {
  answering,
  codeOf,
  HeldHandler,
  invocation,
  later,
  ofObject,
  okay,
  SERVICE,
  subscription,
  textOf,
} from '../../../testing/bus/lab.js';
import { ServicesError } from '../../errors.js';
import { deadLetterLimits } from '../../letters/dead-letter.js';
import { MemoryDeadLetters } from '../../letters/memory-letters.js';
import { errorReply } from '../../invocation/replies.js';
import type { Invocation, InvocationReply } from '../../invocation/invocation.js';
import type { BusDelivery, BusHandler, BusSubscription, InvocationBus } from '../invocation-bus.js';
import { encode } from './message.js';

const AT_MOST_ONCE = { delivery: 'at-most-once' } as const;
const AT_LEAST_ONCE = { delivery: 'at-least-once' } as const;
/** Longer than a busy machine holds up a timer, as a rule. */
const TIMEOUT = { workerTimeoutMs: 400 };

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

  it('a process that is silent has gone: what may have begun there is unknown or sent again', async () => {
    await using lab = new CarriedLab(TIMEOUT);
    const held = new HeldHandler();
    const agent = await lab.process();
    await agent.bus.serve(subscription(), held.handle);
    const caller = await lab.process();
    const [once, again] = [ofObject('a'), ofObject('b')];
    const replies = [
      later(caller.bus.invoke(once, AT_MOST_ONCE)),
      later(caller.bus.invoke(again, AT_LEAST_ONCE)),
      later(caller.bus.invoke(ofObject('a'), AT_LEAST_ONCE)),
    ] as const;
    await eventually(() => held.begun.length === 2);
    agent.carrier.mute = true;
    expect(await codeOf(replies[0])).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    const attempts: number[] = [];
    const next = await lab.process();
    await next.bus.serve(subscription(), (delivery) => {
      attempts.push(delivery.attempt);
      return answering('next')(delivery);
    });
    expect((await Promise.all(replies.slice(1))).map((reply) => textOf(reply))).toEqual(['next', 'next']);
    expect(attempts).toEqual([2, 2]);
    const letters = await caller.bus.deadLetters(SERVICE, 0);
    expect(letters.map(({ reason, invocation: { id } }) => [reason, id])).toEqual([['worker-lost', once.id]]);
    // It finds out by itself, and what it runs is not its own any more.
    expect(held.begun.map(({ isCut }) => isCut)).toEqual([true, true]);
    expect(held.begun.every(({ signal }) => signal.aborted)).toBe(true);
    agent.carrier.mute = false;
    held.answerAll();
    expect(textOf(await caller.bus.invoke(invocation(), AT_MOST_ONCE))).toMatch(/next|done/);
  });

  it('a process of which the broker says that it is not there gets a call once, and then the next one has it', async () => {
    await using lab = new CarriedLab(TIMEOUT);
    const [agent, caller] = [await lab.process(), await lab.process()];
    await agent.bus.serve(subscription(), answering('dead'));
    agent.carrier.mute = true;
    lab.carriers.leave(agent.carrier);
    const sent = jest.spyOn(caller.carrier, 'send');
    const replies = [ofObject('a'), invocation()].map((call) => caller.bus.invoke(call, AT_MOST_ONCE));
    const next = await lab.process();
    await next.bus.serve(subscription(), answering('next'));
    expect((await Promise.all(replies)).map(textOf)).toEqual(['next', 'next']);
    expect(sent.mock.calls.filter(([to, , key]) => to === agent.carrier.id && key !== undefined)).toHaveLength(2);
  });

  it('a call that its own process gives up, since others may have its object, is sent again as one that is cut off', async () => {
    await using lab = new CarriedLab(TIMEOUT);
    const { bus, carrier } = await lab.process();
    const attempts: number[] = [];
    await bus.serve(subscription(), async (delivery) => {
      attempts.push(delivery.attempt);
      if (delivery.attempt > 1) return answering('done')(delivery);
      carrier.mute = true;
      while (!delivery.isCut) await new Promise((resolve) => setTimeout(resolve, 1));
      carrier.mute = false;
      const unsaved = new ServicesError('BERTH_SERVICE_OUTCOME_UNKNOWN', 'the call was cut off; nothing was saved');
      return errorReply(delivery.invocation.id, unsaved);
    });
    expect(textOf(await bus.invoke(ofObject('a'), AT_LEAST_ONCE))).toBe('done');
    expect(attempts).toEqual([1, 2]);
    expect(await bus.deadLetters(SERVICE, 0)).toEqual([]);
  });

  it('a process that was deaf for a while takes its objects again only when all others know', async () => {
    await using lab = new CarriedLab(TIMEOUT);
    const agents = [await lab.process(), await lab.process()];
    const running = new Map<string, BusDelivery>();
    const overlaps: string[] = [];
    for (const { bus } of agents)
      await bus.serve(subscription(), async (delivery) => {
        const { objectId = '' } = delivery.invocation;
        // One that was cut off may still be there, and counts no more: a busy machine can take it for silent.
        if (!delivery.isCut && running.get(objectId)?.isCut === false) overlaps.push(objectId);
        running.set(objectId, delivery);
        await new Promise((resolve) => setTimeout(resolve, 2));
        if (running.get(objectId) === delivery) running.delete(objectId);
        return okay(delivery);
      });
    const { bus } = await lab.process();
    const load = async (ms: number): Promise<number> => {
      let ended = 0;
      const end = Date.now() + ms;
      const lane = async (i: number): Promise<void> => {
        while (Date.now() < end) {
          await bus.invoke(ofObject(`object ${i}`), AT_LEAST_ONCE);
          ended += 1;
        }
      };
      await Promise.all(Array.from({ length: 8 }, (_, i) => lane(i)));
      return ended;
    };
    await load(100);
    const [first] = agents;
    if (first === undefined) throw new Error('no agent');
    first.carrier.mute = true;
    const during = load(1200);
    await new Promise((resolve) => setTimeout(resolve, 800));
    first.carrier.mute = false;
    expect(await during).toBeGreaterThan(0);
    expect(await load(200)).toBeGreaterThan(0);
    expect(overlaps).toEqual([]);
  });

  it('what a process did not hear while it was deaf is sent again, although nobody missed it', async () => {
    await using lab = new CarriedLab({ workerTimeoutMs: 20_000 });
    const agent = await lab.process({ workerTimeoutMs: 200 });
    const held = new HeldHandler();
    await agent.bus.serve(subscription(), held.handle);
    const caller = await lab.process();
    const cut = later(caller.bus.invoke(ofObject('a'), AT_MOST_ONCE));
    await eventually(() => held.begun.length === 1);
    agent.carrier.mute = true;
    const missed = later(caller.bus.invoke(ofObject('b'), AT_MOST_ONCE));
    await eventually(() => held.begun[0]?.signal.aborted);
    agent.carrier.mute = false;
    expect(await codeOf(cut)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    await eventually(() => held.begun.length === 2);
    held.answerAll();
    expect(textOf(await missed)).toBe('done');
  });

  it('what a caller had queued that is silent never begins', async () => {
    await using lab = new CarriedLab(TIMEOUT);
    const held = new HeldHandler();
    const agent = await lab.process();
    await agent.bus.serve(subscription(), held.handle);
    const [silent, other] = [await lab.process(), await lab.process()];
    for (const call of [ofObject('a'), ofObject('a')])
      later(silent.bus.invoke(call, AT_MOST_ONCE)).catch(() => undefined);
    await eventually(() => held.begun.length === 1);
    const last = ofObject('a');
    const reply = other.bus.invoke(last, AT_MOST_ONCE);
    silent.carrier.mute = true;
    await eventually(() => held.begun[0]?.signal.aborted);
    held.answer();
    await eventually(() => held.begun.length === 2);
    expect(held.begun[1]?.invocation.id).toBe(last.id);
    held.answer('last');
    expect(textOf(await reply)).toBe('last');
  });

  it('a bus that is closed gives back what has not begun, and says what may have', async () => {
    const deadLetters = new MemoryDeadLetters(deadLetterLimits());
    await using lab = new CarriedLab({ deadLetters });
    const held = new HeldHandler();
    const [first, second, caller] = [await lab.process(), await lab.process(), await lab.process()];
    await first.bus.serve(subscription({ objectId: 'a' }), held.handle);
    await second.bus.serve(subscription(), answering('second'));
    const lost = ofObject('a');
    const begun = later(caller.bus.invoke(lost, AT_MOST_ONCE));
    const waiting = later(caller.bus.invoke(ofObject('a'), AT_MOST_ONCE));
    await eventually(() => held.begun.length === 1);
    await first.bus.close();
    expect(await codeOf(begun)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    expect(textOf(await waiting)).toBe('second');
    expect(held.begun[0]?.isCut).toBe(true);
    const letters = await deadLetters.list(SERVICE, 0, 10);
    expect(letters.map(({ reason, attempts, id }) => [reason, attempts, id])).toEqual([['worker-lost', 1, lost.id]]);
  });

  it('a bus that is closed ends its calls of its own agents, those too that wait for a place', async () => {
    await using lab = new CarriedLab();
    const { bus } = await lab.process();
    const held = new HeldHandler();
    await bus.serve(subscription({ concurrency: 1 }), held.handle);
    const calls = [invocation(), invocation(), ofObject('a'), ofObject('a')].flatMap((call) =>
      [AT_MOST_ONCE, AT_LEAST_ONCE].map((how) => later(bus.invoke({ ...call, id: `${call.id}${how.delivery}` }, how))),
    );
    await eventually(() => held.begun.length === 1);
    await bus.close();
    for (const call of calls) expect(await codeOf(call)).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
    expect(held.begun).toHaveLength(1);
  });

  it('a call that was cut off here waits for the next agent, also when the one that it went to has left meanwhile', async () => {
    await using lab = new CarriedLab();
    const [own, other] = [await lab.process(), await lab.process()];
    const held = new HeldHandler();
    const first = await own.bus.serve(subscription(), held.handle);
    const replies = [ofObject('a'), invocation()].map((call) => later(own.bus.invoke(call, AT_LEAST_ONCE)));
    await eventually(() => held.begun.length === 2);
    const second = await other.bus.serve(subscription(), answering('second'));
    await Promise.all([first.stop(0), second.stop(0)]);
    const third = await lab.process();
    await third.bus.serve(subscription(), answering('third'));
    expect((await Promise.all(replies)).map(textOf)).toEqual(['third', 'third']);
  });

  it('a call may have a deadline that never comes', async () => {
    await using lab = new CarriedLab();
    const [agent, caller] = [await lab.process(), await lab.process()];
    await agent.bus.serve(subscription(), answering('done'));
    expect(textOf(await caller.bus.invoke(invocation({ deadline: Infinity }), AT_MOST_ONCE))).toBe('done');
  });

  it('what is no message, or a hostile one, harms nobody', async () => {
    await using lab = new CarriedLab();
    const { bus, carrier } = await lab.process();
    await bus.serve(subscription(), answering('done'));
    const caller = await lab.process();
    const garbage = [
      Buffer.from('no json\n\0'),
      Buffer.from('[]'),
      Buffer.from('null'),
      ...[['c'], ['c', 'x', 1, 0, 0, 'oprc/', 0, 0, 'id', 0], ['c', 'x', 1, 0, 0, `oprc/${SERVICE}/0/invokes/add`]].map(
        (head) => encode(head as [string]),
      ),
      ...[['r', 7], ['e', 7], ['b'], ['l'], ['a', 'x', 5], ['x', 3], ['h', null], ['h', { id: 'x' }]].map((head) =>
        encode(head as [string]),
      ),
      ...[['s'], ['q'], ['dl'], ['dr', 'x', 1, SERVICE, 0], ['da', 1], ['de'], ['unknown']].map((head) =>
        encode(head as [string]),
      ),
      encode(['r', 1], Buffer.from([0xff])),
      encode(['h', { id: 'x', version: 1, epoch: 0, clock: 0, serves: [{ service: 1 }], held: [] }]),
    ];
    for (const bytes of garbage) {
      caller.carrier.send(carrier.id, bytes);
      caller.carrier.announce(bytes);
    }
    expect(textOf(await caller.bus.invoke(ofObject('a'), AT_MOST_ONCE))).toBe('done');
  });

  it('names what is wrong with an option or a subscription', async () => {
    await using lab = new CarriedLab();
    await expect(lab.process({ workerTimeoutMs: 99 })).rejects.toThrow('workerTimeoutMs is 99');
    await expect(lab.process({ maxPendingCalls: 0 })).rejects.toThrow('maxPendingCalls is 0');
    const { bus } = await lab.process();
    for (const part of [{ service: 'a/b' }, { partition: -1 }, { concurrency: 0 }, { objectId: 'a/b' }])
      expect(await codeOf(bus.serve(subscription(part), answering('')))).toBe('BERTH_SERVICE_INVALID');
    for (const objectId of ['', 'a/b', 'a\nb'])
      expect(await codeOf(bus.invoke(ofObject(objectId), AT_MOST_ONCE))).toBe('BERTH_SERVICE_BAD_OBJECT_ID');
  });

  it('options and headers are bounded', async () => {
    await using lab = new CarriedLab();
    const long = { long: 'x'.repeat(70_000) };
    const [agent, caller] = [await lab.process(), await lab.process()];
    await agent.bus.serve(subscription(), (delivery) => Promise.resolve({ ...okay(delivery), headers: long }));
    expect(await codeOf(caller.bus.invoke(invocation({ options: long }), AT_MOST_ONCE))).toBe(
      'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
    );
    expect(textOf(await caller.bus.invoke(invocation(), AT_MOST_ONCE))).toMatch(/BERTH_SERVICE_BAD_RESULT/);
  });

  it('names that nobody serves are not kept: not of calls that are refused, nor of those that were too late', async () => {
    await using lab = new CarriedLab({ maxPendingCalls: 10, workerTimeoutMs: 20_000 });
    const { bus, carrier } = await lab.process();
    const { scopes } = (bus as unknown as { engine: { intake: { scopes: Map<string, Map<number, unknown>> } } }).engine
      .intake;
    const health = jest.spyOn(carrier, 'health').mockReturnValue({ state: 'down', reason: 'away' } as never);
    const codes = await Promise.all(
      Array.from({ length: 100 }, (_, partition) =>
        codeOf(bus.invoke(invocation({ partition, deadline: Date.now() + 50 }), AT_MOST_ONCE)),
      ),
    );
    expect(new Set(codes)).toEqual(new Set(['BERTH_SERVICE_BUS_UNAVAILABLE', 'BERTH_SERVICE_BUSY']));
    expect(scopes.get(SERVICE)?.size).toBe(10);
    health.mockRestore();
    await bus.serve(subscription({ service: 'shop.Other' }), answering('done'));
    expect([...scopes.keys()]).toEqual(['shop.Other']);
  });

  it('nothing is left of calls that have ended', async () => {
    await using lab = new CarriedLab();
    const [agent, caller] = [await lab.process(), await lab.process()];
    await agent.bus.serve(subscription(), answering('done'));
    for (let i = 0; i < 100; i += 1)
      await caller.bus.invoke(i % 2 === 0 ? invocation() : ofObject(`object ${i}`), AT_LEAST_ONCE);
    const { engine } = caller.bus as unknown as {
      engine: { sent: Map<number, unknown>; intake: { lanes(): { waiting: { size: number }; isObject: boolean }[] } };
    };
    expect(engine.sent.size).toBe(0);
    expect(engine.intake.lanes().filter(({ waiting, isObject }) => isObject || waiting.size > 0)).toEqual([]);
    const { incoming } = agent.bus as unknown as {
      incoming: { callers: Map<string, { calls: Map<number, unknown> }> };
    };
    expect([...incoming.callers.values()].map(({ calls }) => calls.size)).toEqual([0]);
  });
});
