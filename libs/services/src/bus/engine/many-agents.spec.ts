import { jest } from '@jest/globals';
import { codeOf, HeldHandler, invocation, later, ofObject, subscription } from '../../../testing/bus/lab.js';
import { steadyNow } from '../../runtime/clock.js';
import { MemoryBus } from '../memory-bus.js';
import type { Intake } from './intake.js';

const intakeOf = (bus: MemoryBus): Intake => (bus as unknown as { engine: { intake: Intake } }).engine.intake;
const ONCE = { delivery: 'at-most-once' } as const;

describe('many agents in one process', () => {
  /** How many lanes are looked at when one more agent starts and stops beside `agents` of busy objects and methods. */
  async function lookedAt(agents: number): Promise<number> {
    const bus = new MemoryBus();
    const held = new HeldHandler();
    const calls: Promise<unknown>[] = [];
    const call = (one = ofObject('new')): void => void calls.push(codeOf(later(bus.invoke(one, ONCE))));
    for (let i = 0; i < agents; i += 1) {
      await bus.serve(subscription({ objectId: `object-${i}` }), held.handle);
      await bus.serve(subscription({ service: `shop.Other${i}` }), held.handle);
      call(ofObject(`object-${i}`));
      call(invocation({ service: `shop.Other${i}` }));
    }
    const placed = jest.spyOn(intakeOf(bus), 'placed');
    const agent = await bus.serve(subscription({ objectId: 'new' }), held.handle);
    call();
    expect(held.begun.at(-1)?.invocation.objectId).toBe('new');
    await agent.stop(0);
    const looked = placed.mock.calls.length;
    await bus.close();
    await Promise.all(calls);
    return looked;
  }

  it('one more starts and stops with the same work, however many there are', async () => {
    const few = await lookedAt(2);
    expect(await lookedAt(200)).toBe(few);
  });

  it('calls that wait for an object go to the agent that comes for it, and back when it goes', async () => {
    const bus = new MemoryBus();
    const [all, own] = [new HeldHandler(), new HeldHandler()];
    await bus.serve(subscription({ concurrency: 1 }), all.handle);
    const calls = [ofObject('other'), ofObject('one'), ofObject('one')].map((one) => bus.invoke(one, ONCE));
    const agent = await bus.serve(subscription({ objectId: 'one' }), own.handle);
    expect([all, own].map(({ begun }) => begun.map(({ invocation: { objectId } }) => objectId))).toEqual([
      ['other'],
      ['one'],
    ]);
    const stopped = agent.stop(30_000);
    own.answer();
    await stopped;
    all.answer();
    await Promise.all(calls.slice(0, 2));
    expect(all.begun.map(({ invocation: { objectId } }) => objectId)).toEqual(['other', 'one']);
    all.answer();
    await Promise.all(calls);
    await bus.close();
  });

  it('a service that nobody serves any more is forgotten with the last call that waited for it', async () => {
    const bus = new MemoryBus();
    const { scopes } = intakeOf(bus) as unknown as { scopes: Map<string, unknown> };
    const agent = await bus.serve(subscription({ concurrency: 1 }), new HeldHandler().handle);
    const calls = [ofObject('one'), ofObject('one', { deadline: steadyNow() + 50 })].map((one) =>
      codeOf(bus.invoke(one, ONCE)),
    );
    await agent.stop(0);
    expect(scopes.size).toBe(1);
    await Promise.all(calls);
    expect(scopes.size).toBe(0);
    await bus.close();
  });
});
