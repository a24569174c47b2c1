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
import { errorReply } from '../../invocation/replies.js';
import type { BusDelivery } from '../invocation-bus.js';

const AT_MOST_ONCE = { delivery: 'at-most-once' } as const;
const AT_LEAST_ONCE = { delivery: 'at-least-once' } as const;
/** Longer than a busy machine holds up a timer, as a rule. */
const TIMEOUT = { workerTimeoutMs: 400 };

describe('a bus that loses processes, or does not hear them', () => {
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
});
