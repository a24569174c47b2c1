import { jest } from '@jest/globals';
import { eventually } from '@berth/testing';
import { CarriedLab, type Process } from '../../../testing/bus/carried-lab.js';
import { answering, HeldHandler, later, ofObject, subscription, textOf } from '../../../testing/bus/lab.js';
import type { InvocationReply } from '../../invocation/invocation.js';
import { decode, encode } from './message.js';

const AT_MOST_ONCE = { delivery: 'at-most-once' } as const;
const TIMEOUT = { workerTimeoutMs: 400 };

/** What a process sends to one other gets lost if it is of that kind. @returns to be called when nothing is lost any more */
function lose({ carrier }: Process, isLost: (kind: string, said: Record<string, unknown>) => boolean): () => void {
  const send = carrier.send.bind(carrier);
  const spy = jest.spyOn(carrier, 'send').mockImplementation((to, bytes, ...rest) => {
    const [kind = '', said] = decode(bytes)?.head ?? [];
    if (!isLost(kind, (said ?? {}) as Record<string, unknown>)) send(to, bytes, ...rest);
  });
  return () => spy.mockRestore();
}

/** What has come is applied. */
async function turns({ carrier }: Process): Promise<void> {
  for (let i = 0; i < 5; i += 1) {
    await carrier.flush();
    await new Promise(setImmediate);
  }
}

/** What is said to the calls, of which those that are held are answered at once. */
async function answered(
  held: HeldHandler,
  calls: readonly Promise<InvocationReply>[],
): Promise<(string | undefined)[]> {
  const answers = setInterval(() => held.answerAll(), 5);
  try {
    return (await Promise.all(calls)).map(textOf);
  } finally {
    clearInterval(answers);
  }
}

describe('a bus of several processes that do not know all of each other', () => {
  it('a process takes no object before it knows what others serve', async () => {
    await using lab = new CarriedLab(TIMEOUT);
    const held = new HeldHandler();
    const first = await lab.process();
    await first.bus.serve(subscription(), held.handle);
    const objects = Array.from({ length: 8 }, (_, i) => `object ${i}`);
    const calls = objects.map((id) => later(first.bus.invoke(ofObject(id), AT_MOST_ONCE)));
    await eventually(() => held.begun.length === calls.length);
    const resume = lose(first, (kind, { part }) => kind === 'h' && part !== undefined);
    const second = await lab.process();
    const asked = jest.spyOn(second.carrier, 'send');
    const handler = jest.fn(answering('second'));
    const serving = second.bus.serve(subscription(), handler);
    await second.carrier.flush();
    calls.push(...objects.map((id) => later(second.bus.invoke(ofObject(id), AT_MOST_ONCE))));
    await eventually(() => asked.mock.calls.filter(([, bytes]) => decode(bytes)?.head[0] === 'q').length > 2);
    expect(handler).not.toHaveBeenCalled();
    resume();
    const words = await answered(held, calls);
    await serving;
    expect(new Set(words)).toEqual(new Set(['done', 'second']));
  });

  it('a process takes no object of which it has not heard yet that it still runs elsewhere', async () => {
    await using lab = new CarriedLab(TIMEOUT);
    const held = new HeldHandler();
    const [first, second] = [await lab.process(), await lab.process()];
    await first.bus.serve(subscription(), held.handle);
    const objects = Array.from({ length: 8 }, (_, i) => `object ${i}`);
    const calls = objects.map((id) => later(first.bus.invoke(ofObject(id), AT_MOST_ONCE)));
    await eventually(() => held.begun.length === calls.length);
    const announced = jest.spyOn(first.carrier, 'announce').mockImplementation(() => undefined);
    const handler = jest.fn(answering('second'));
    const serving = second.bus.serve(subscription(), handler);
    await second.carrier.flush();
    calls.push(...objects.map((id) => later(second.bus.invoke(ofObject(id), AT_MOST_ONCE))));
    await serving;
    await turns(second);
    expect(handler).not.toHaveBeenCalled();
    announced.mockRestore();
    const words = await answered(held, calls);
    expect(new Set(words)).toEqual(new Set(['done', 'second']));
  });

  it('what was confirmed before a process fell silent does not count when it is heard again', async () => {
    await using lab = new CarriedLab(TIMEOUT);
    const held = new HeldHandler();
    const [first, second] = [await lab.process(), await lab.process()];
    await first.bus.serve(subscription(), held.handle);
    const handler = jest.fn(answering('second'));
    await second.bus.serve(subscription(), handler);
    second.carrier.mute = true;
    // The first one gives the second one up, and has all objects again.
    const { presence } = first.bus as unknown as { presence: { others: Map<string, unknown> } };
    await eventually(() => presence.others.size === 0);
    const objects = Array.from({ length: 8 }, (_, i) => `object ${i}`);
    const calls = objects.map((id) => later(first.bus.invoke(ofObject(id), AT_MOST_ONCE)));
    await eventually(() => held.begun.length === calls.length);
    calls.push(...objects.map((id) => later(second.bus.invoke(ofObject(id), AT_MOST_ONCE))));
    const stalled = first.carrier.stall();
    second.carrier.mute = false;
    const { presence: own } = second.bus as unknown as { presence: { lapsed: boolean } };
    await eventually(() => !own.lapsed);
    await turns(second);
    expect(handler).not.toHaveBeenCalled();
    stalled();
    const words = await answered(held, calls);
    expect(new Set(words)).toEqual(new Set(['done', 'second']));
  });

  it('a process that serves nothing has nothing to be confirmed', async () => {
    await using lab = new CarriedLab(TIMEOUT);
    const [first, second] = [await lab.process(), await lab.process()];
    const sent = [first, second].map(({ carrier }) => jest.spyOn(carrier, 'send'));
    const announced = jest.spyOn(first.carrier, 'announce');
    await eventually(() => announced.mock.calls.length > 3);
    expect(sent.flatMap(({ mock }) => mock.calls)).toEqual([]);
  });

  it('a new connection is noticed by the first of several parts', async () => {
    await using lab = new CarriedLab({ workerTimeoutMs: 20_000 });
    const [agent, caller] = [await lab.process(), await lab.process()];
    const held = new HeldHandler();
    await agent.bus.serve(subscription(), held.handle);
    const call = later(caller.bus.invoke(ofObject('a'), AT_MOST_ONCE));
    await eventually(() => held.begun.length === 1);
    const sent = jest.spyOn(caller.carrier, 'send');
    const part = { base: -1, version: 0, serves: [], more: true };
    const said = { protocol: 1, id: agent.carrier.id, version: 1, epoch: 1, clock: performance.now(), held: [], part };
    agent.carrier.announce(encode(['h', said]));
    await turns(agent);
    expect(sent.mock.calls.map(([to, bytes]) => [to, decode(bytes)?.head[0]])).toContainEqual([agent.carrier.id, 'a']);
    expect(await answered(held, [call])).toEqual(['done']);
  });

  it('what is told of many agents fits where a broker takes little, in any script', async () => {
    await using lab = new CarriedLab({ workerTimeoutMs: 20_000 });
    const agent = await lab.process();
    Object.assign(agent.carrier, { maxBytes: 96 * 1024 });
    const objectIds = Array.from({ length: 1000 }, (_, i) => `${i} ${'猫'.repeat(80)}`);
    await Promise.all(objectIds.map((objectId) => agent.bus.serve(subscription({ objectId }), answering('done'))));
    const sent = jest.spyOn(agent.carrier, 'send');
    const { bus } = await lab.process();
    for (const id of [objectIds[0], objectIds.at(-1)])
      expect(textOf(await bus.invoke(ofObject(id ?? ''), AT_MOST_ONCE))).toBe('done');
    expect(Math.max(...sent.mock.calls.map(([, { length }]) => length))).toBeLessThan(96 * 1024);
  });

  it('a process that was silent takes no object from one that came meanwhile', async () => {
    await using lab = new CarriedLab(TIMEOUT);
    const first = await lab.process();
    const handler = jest.fn(answering('first'));
    await first.bus.serve(subscription(), handler);
    first.carrier.mute = true;
    const { presence: own } = first.bus as unknown as { presence: { lapsed: boolean } };
    await eventually(() => own.lapsed);
    const held = new HeldHandler();
    const second = await lab.process();
    await second.bus.serve(subscription(), held.handle);
    const ids = Array.from({ length: 8 }, (_, i) => `object ${i}`);
    const calls = ids.map((id) => later(second.bus.invoke(ofObject(id), AT_MOST_ONCE)));
    await eventually(() => held.begun.length === 8);
    calls.push(...ids.map((id) => later(first.bus.invoke(ofObject(id), AT_MOST_ONCE))));
    const resume = second.carrier.stall();
    first.carrier.mute = false;
    await eventually(() => !own.lapsed);
    for (let i = 0; i < 5; i += 1) await new Promise(setImmediate);
    const both = [handler.mock.calls.length, held.begun.filter(({ isCut }) => !isCut).length];
    resume();
    expect(both).toEqual([0, 8]);
    const words = await answered(held, calls);
    expect(new Set(words)).toEqual(new Set(['done', 'first']));
  });
});
