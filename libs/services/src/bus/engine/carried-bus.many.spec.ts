import { jest } from '@jest/globals';
import type { Log } from '@berth/observability';
import { eventually } from '@berth/testing';
import { CarriedLab, type Process } from '../../../testing/bus/carried-lab.js';
import {
  answering,
  HeldHandler,
  invocation,
  later,
  ofObject,
  SERVICE,
  subscription,
  textOf,
} from '../../../testing/bus/lab.js';
import type { BusSubscription } from '../invocation-bus.js';
import { coarse, hash } from './hash.js';
import { Member } from './member.js';
import { encode } from './message.js';
import { Scope } from './routing.js';

const AT_MOST_ONCE = { delivery: 'at-most-once' } as const;
const MANY = 3_000;
const LONG = 'x'.repeat(200);

/** The largest message that a process sends, in what follows. */
function largestOf({ carrier }: Process): () => number {
  const sent = [jest.spyOn(carrier, 'send'), jest.spyOn(carrier, 'announce')] as const;
  return () =>
    Math.max(
      ...sent[0].mock.calls.map(([, { length }]) => length),
      ...sent[1].mock.calls.map(([{ length }]) => length),
    );
}

const serveMany = ({ bus }: Process): Promise<BusSubscription[]> =>
  Promise.all(
    Array.from({ length: MANY }, (_, i) =>
      bus.serve(subscription({ objectId: `${i} ${LONG}` }), answering(`object ${i}`)),
    ),
  );

describe('a bus of several processes, with many agents in one', () => {
  it('thousands of agents are told of one by one, and to those that come later in parts that a broker takes', async () => {
    await using lab = new CarriedLab({ workerTimeoutMs: 20_000 });
    const [agent, before] = [await lab.process(), await lab.process()];
    const largest = largestOf(agent);
    const agents = await serveMany(agent);
    const after = await lab.process();
    for (const { bus } of [before, after])
      for (const i of [0, MANY / 2, MANY - 1])
        expect(textOf(await bus.invoke(ofObject(`${i} ${LONG}`), AT_MOST_ONCE))).toBe(`object ${i}`);
    expect(largest()).toBeLessThan(256 * 1024);
    await Promise.all(agents.slice(1).map((one) => one.stop(0)));
    for (const { bus } of [before, after]) {
      expect(textOf(await bus.invoke(ofObject(`0 ${LONG}`), AT_MOST_ONCE))).toBe('object 0');
      await expect(bus.invoke(ofObject(`1 ${LONG}`), AT_MOST_ONCE)).rejects.toThrow('no agent serves');
    }
    expect(largest()).toBeLessThan(256 * 1024);
  }, 30_000);

  it('many agents that start at once make others look once a turn at who has what', async () => {
    await using lab = new CarriedLab({ workerTimeoutMs: 20_000 });
    const [agent, other] = [await lab.process(), await lab.process()];
    const { engine } = other.bus as unknown as { engine: { sweep(): void } };
    const swept = jest.spyOn(engine, 'sweep');
    await serveMany(agent);
    expect(textOf(await other.bus.invoke(ofObject(`7 ${LONG}`), AT_MOST_ONCE))).toBe('object 7');
    expect(swept.mock.calls.length).toBeLessThan(MANY / 10);
  });

  it('what has not been heard of is asked for: agents that were started, and those that were stopped', async () => {
    await using lab = new CarriedLab();
    const [agent, caller] = [await lab.process(), await lab.process()];
    const first = await agent.bus.serve(subscription({ statelessMethods: ['first'] }), answering('first'));
    const lose = async (change: () => Promise<unknown>): Promise<void> => {
      const resume = caller.carrier.lose();
      const changed = change();
      await agent.carrier.flush();
      resume();
      await changed;
    };
    await lose(() => agent.bus.serve(subscription({ statelessMethods: ['second'] }), answering('second')));
    expect(textOf(await caller.bus.invoke(invocation({ method: 'second' }), AT_MOST_ONCE))).toBe('second');
    await lose(() => first.stop(0));
    await expect(caller.bus.invoke(invocation({ method: 'first' }), AT_MOST_ONCE)).rejects.toThrow('no agent serves');
  });

  it('thousands of objects that move while they are in use do not make a message large', async () => {
    await using lab = new CarriedLab({ workerTimeoutMs: 20_000, maxPendingCalls: MANY + 100 });
    const [first, second, caller] = [await lab.process(), await lab.process(), await lab.process()];
    const held = new HeldHandler();
    await first.bus.serve(subscription({ concurrency: MANY }), held.handle);
    const largest = largestOf(first);
    const calls = Array.from({ length: MANY }, (_, i) =>
      later(caller.bus.invoke(ofObject(`${i} ${LONG}`), AT_MOST_ONCE)),
    );
    await eventually(() => held.begun.length === MANY);
    await second.bus.serve(subscription({ concurrency: MANY }), answering('second'));
    calls.push(
      ...Array.from({ length: 100 }, (_, i) => later(caller.bus.invoke(ofObject(`${i} ${LONG}`), AT_MOST_ONCE))),
    );
    const all = Promise.all(calls).then(() => true);
    while (!(await Promise.race([all, new Promise<false>((resolve) => setTimeout(resolve, 5, false))])))
      held.answerAll();
    expect(largest()).toBeLessThan(64 * 1024);
  }, 30_000);

  it('an object that moves while it is in use holds up no other one, though some bits of their hashes are the same', async () => {
    await using lab = new CarriedLab({ workerTimeoutMs: 20_000 });
    const [first, second] = [await lab.process(), await lab.process()];
    const { seed } = new Scope(SERVICE, 0);
    const [before, after] = [new Member(first.carrier.id), new Member(second.carrier.id)];
    const moving = Array.from({ length: 1000 }, (_, i) => `object ${i}`).filter(
      (id) => after.score(hash(id, seed)) > before.score(hash(id, seed)),
    );
    const alike = [...Map.groupBy(moving, (id) => coarse(hash(id, seed))).values()].find(({ length }) => length > 1);
    const [a = '', b = ''] = alike ?? [];
    const held = new HeldHandler();
    await first.bus.serve(subscription(), held.handle);
    const running = later(first.bus.invoke(ofObject(a), AT_MOST_ONCE));
    await eventually(() => held.begun.length === 1);
    await second.bus.serve(subscription(), answering('second'));
    expect(textOf(await first.bus.invoke(ofObject(b), AT_MOST_ONCE))).toBe('second');
    held.answerAll();
    expect(textOf(await running)).toBe('done');
  });

  it('a call that got lost, or its answer, without a broken connection is asked for', async () => {
    await using lab = new CarriedLab({ workerTimeoutMs: 400 });
    const [agent, caller] = [await lab.process(), await lab.process()];
    const handler = jest.fn(answering('done'));
    await agent.bus.serve(subscription(), handler);
    const lost: ReturnType<Process['bus']['invoke']>[] = [];
    for (const deaf of [agent, caller]) {
      const resume = deaf.carrier.lose();
      lost.push(caller.bus.invoke(ofObject('a'), AT_MOST_ONCE));
      await caller.carrier.flush();
      await caller.carrier.flush();
      resume();
    }
    // What came behind it is not held up either.
    lost.push(caller.bus.invoke(ofObject('a'), AT_MOST_ONCE));
    expect((await Promise.all(lost)).map(textOf)).toEqual(['done', 'done', 'done']);
    expect(handler).toHaveBeenCalledTimes(3);
  });

  it('many calls are asked for in several messages', async () => {
    await using lab = new CarriedLab({ workerTimeoutMs: 20_000, maxPendingCalls: 12_000 });
    const [agent, caller] = [await lab.process(), await lab.process()];
    const held = new HeldHandler();
    await agent.bus.serve(subscription({ concurrency: 20_000 }), held.handle);
    const calls = Array.from({ length: 12_000 }, (_, i) =>
      later(caller.bus.invoke(ofObject(`${i}`), { delivery: 'at-least-once' })),
    );
    await eventually(() => held.begun.length === calls.length);
    const largest = largestOf(caller);
    const asked = jest.spyOn(agent.carrier, 'send');
    // As after a new connection of the caller, and nothing got lost.
    (caller.bus as unknown as { presence: { back(): void } }).presence.back();
    await caller.carrier.flush();
    held.answerAll();
    await Promise.all(calls);
    expect(largest()).toBeLessThan(64 * 1024);
    expect(asked).toHaveBeenCalled();
    expect(held.begun).toHaveLength(calls.length);
  }, 30_000);

  it('says once that a process of another version is there', async () => {
    const warn = jest.fn<Log['warn']>();
    const unused = (): void => undefined;
    await using lab = new CarriedLab({ log: { debug: unused, info: unused, warn, error: unused } });
    const { bus } = await lab.process();
    const other = await lab.process({ log: undefined });
    for (let i = 0; i < 2; i += 1)
      other.carrier.announce(encode(['h', { id: 'old', version: 1, epoch: 0, clock: 0, serves: [], held: [] }]));
    await other.carrier.flush();
    expect(warn.mock.calls.map((args) => String(args[1]))).toEqual([expect.stringContaining('another version')]);
    expect(bus.health().state).toBe('up');
  });

  it('a service with more names than a message has room for is refused', async () => {
    await using lab = new CarriedLab();
    const { bus, carrier } = await lab.process();
    Object.assign(carrier, { maxBytes: 1024 * 1024 });
    const statelessMethods = Array.from({ length: 10_000 }, (_, i) => `${'m'.repeat(100)}${i}`);
    await expect(bus.serve(subscription({ statelessMethods }), answering(''))).rejects.toThrow(
      /names of the methods of shop.Counter have \d+ bytes; its own limit is 1048576/,
    );
  });
});
