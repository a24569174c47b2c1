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
import { deadLetterLimits } from '../../letters/dead-letter.js';
import { MemoryDeadLetters } from '../../letters/memory-letters.js';
import { encode } from './message.js';

const AT_MOST_ONCE = { delivery: 'at-most-once' } as const;
const AT_LEAST_ONCE = { delivery: 'at-least-once' } as const;

describe('a bus of several processes, at its end and its bounds', () => {
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
      ...[{ part: { base: -1, version: 1, serves: [{ service: 1 }] } }, { part: {} }, { knows: 5 }, { held: {} }].map(
        (said) => encode(['h', { protocol: 1, id: 'x', version: 1, epoch: 0, clock: 0, held: [], ...said }]),
      ),
    ];
    for (const bytes of garbage) {
      caller.carrier.send(carrier.id, bytes);
      caller.carrier.announce(bytes);
    }
    expect(textOf(await caller.bus.invoke(ofObject('a'), AT_MOST_ONCE))).toBe('done');
  });

  it('nothing is sent to what names no process: a carrier may throw there, and end this one', async () => {
    await using lab = new CarriedLab();
    const [{ bus, carrier }, caller] = [await lab.process(), await lab.process()];
    const handler = jest.fn(answering('done'));
    await bus.serve(subscription(), handler);
    const sent = jest.spyOn(carrier, 'send');
    for (const id of ['a b', 'a\n', '', 'x'.repeat(65), '>', 5, null]) {
      const said = { protocol: 1, id, version: 1, epoch: 0, clock: 0, held: [], asks: true };
      for (const part of [undefined, { base: -1, version: 1, serves: [] }])
        caller.carrier.send(carrier.id, encode(['h', { ...said, part }]));
      caller.carrier.send(carrier.id, encode(['c', id, 1, 0, 0, `oprc/${SERVICE}/0/invokes/add`, 0, 1e6, 'id', 0]));
      for (const head of [
        ['q', id],
        ['a', id, [1]],
      ])
        caller.carrier.send(carrier.id, encode(head as [string]));
    }
    expect(textOf(await caller.bus.invoke(ofObject('a'), AT_MOST_ONCE))).toBe('done');
    await new Promise(setImmediate);
    expect(handler).toHaveBeenCalledTimes(1);
    expect(new Set(sent.mock.calls.map(([to]) => to))).toEqual(new Set([caller.carrier.id]));
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
    expect(scopes.size).toBe(0);
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
