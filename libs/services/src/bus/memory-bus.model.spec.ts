import { jest } from '@jest/globals';
import fc from 'fast-check';
import { HeldHandler, invocation, later, okay, subscription } from '../../testing/bus/lab.js';
import type { Delivery } from '../invocation/invocation.js';
import type { BusHandler, BusSubscription } from './invocation-bus.js';
import { MemoryBus } from './memory-bus.js';
import type { Intake } from './engine/intake.js';
import { steadyNow } from '../runtime/clock.js';

const OBJECTS = [undefined, 'a', 'b', 'c'];

type Step =
  | { do: 'call'; objectId: number; delivery: Delivery; ms: number; leaves: boolean }
  | { do: 'serve'; objectId: number; concurrency: number }
  | { do: 'answer' | 'reject' | 'leave' | 'stop' | 'cut'; which: number }
  | { do: 'wait'; ms: number };

const index = fc.nat(20);
const objectId = fc.nat(OBJECTS.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      objectId,
      delivery: fc.constantFrom<Delivery>('at-most-once', 'at-least-once'),
      ms: fc.integer({ min: 1, max: 200 }),
      leaves: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('serve' as const), objectId, concurrency: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('answer' as const, 'answer' as const, 'reject' as const),
      which: index,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('leave' as const, 'stop' as const, 'cut' as const), which: index }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 100 }) }) },
);

interface Run {
  readonly id: string;
  readonly settle: (fails: boolean) => void;
}

interface Agent {
  subscription?: BusSubscription;
  /** from then on it is as if it had died */
  cutAt: number;
}

/** Plays random stories and watches what must always hold. */
class Story {
  readonly bus = new MemoryBus({ maxDeliveries: 2, maxQueuedPerObject: 5, maxQueuedPerMethod: 5 });
  readonly begun: { id: string; delivery: Delivery; attempt: number; late: boolean; objectId: string | undefined }[] =
    [];
  readonly accepted: string[] = [];
  readonly faults: string[] = [];
  settled = 0;
  calls = 0;
  private readonly runs: Run[] = [];
  private readonly active = new Map<string, { id: string; agent: Agent }>();
  private readonly agents: Agent[] = [];
  private readonly leaving: AbortController[] = [];

  private readonly handle =
    (agent: Agent): BusHandler =>
    (delivery) => {
      const { id, deadline = 0, objectId } = delivery.invocation;
      const late = deadline <= steadyNow();
      this.begun.push({ id, delivery: delivery.delivery, attempt: delivery.attempt, late, objectId });
      const mine = { id, agent };
      if (objectId !== undefined) {
        const other = this.active.get(objectId);
        if (other !== undefined && other.agent.cutAt > steadyNow())
          this.faults.push(`${id} and ${other.id} at once on ${objectId}`);
        this.active.set(objectId, mine);
      }
      return new Promise((resolve, reject) => {
        this.runs.push({
          id,
          settle: (fails) => {
            if (objectId !== undefined && this.active.get(objectId) === mine) this.active.delete(objectId);
            if (fails) reject(new Error('no'));
            else resolve(okay(delivery));
          },
        });
      });
    };

  async play(action: Step): Promise<void> {
    switch (action.do) {
      case 'call': {
        const leaving = new AbortController();
        if (action.leaves) this.leaving.push(leaving);
        const call = invocation({ objectId: OBJECTS[action.objectId], deadline: steadyNow() + action.ms });
        this.calls += 1;
        const result = later(this.bus.invoke(call, { delivery: action.delivery, signal: leaving.signal }));
        this.accepted.push(call.id);
        void result.catch(() => undefined).then(() => (this.settled += 1));
        break;
      }
      case 'serve': {
        const agent: Agent = { cutAt: Infinity };
        this.agents.push(agent);
        const part = { concurrency: action.concurrency, objectId: OBJECTS[action.objectId] };
        agent.subscription = await this.bus.serve(subscription(part), this.handle(agent));
        break;
      }
      case 'answer':
      case 'reject':
        this.runs.splice(action.which % Math.max(this.runs.length, 1), 1)[0]?.settle(action.do === 'reject');
        break;
      case 'leave':
        this.leaving.splice(action.which % Math.max(this.leaving.length, 1), 1)[0]?.abort();
        break;
      case 'stop':
      case 'cut': {
        const [agent] = this.agents.splice(action.which % Math.max(this.agents.length, 1), 1);
        if (agent === undefined) break;
        const patience = action.do === 'cut' ? 0 : 30;
        agent.cutAt = steadyNow() + patience;
        void agent.subscription?.stop(patience);
        break;
      }
      case 'wait':
        break;
    }
    await jest.advanceTimersByTimeAsync(action.do === 'wait' ? action.ms : 0);
    for (const { name, scope, isObject, active, waiting, list, group } of intakeOf(this.bus).lanes()) {
      if (isObject && group !== scope.groupOf(name)) this.faults.push(`${name} is with the wrong agents`);
      const ready = waiting.size > 0 && !(isObject && active > 0);
      if (ready !== (list === group.ready)) this.faults.push(`${name}: ready is ${ready}, and not where it belongs`);
      if (ready && group.workers.some(({ free }) => free)) this.faults.push(`${name} waits beside a free worker`);
    }
  }

  /** Everybody answers, and the last deadline passes. */
  async end(): Promise<void> {
    for (let i = 0; i < 200 && (this.runs.length > 0 || i < 3); i += 1) {
      for (const run of this.runs.splice(0)) run.settle(false);
      await jest.advanceTimersByTimeAsync(i === 0 ? 300 : 0);
    }
    for (const agent of this.agents) void agent.subscription?.stop(1);
    await jest.advanceTimersByTimeAsync(1_001);
  }
}

function intakeOf(bus: MemoryBus): Intake {
  return (bus as unknown as { engine: { intake: Intake } }).engine.intake;
}

function inside(bus: MemoryBus): { lanes: number; calls: unknown; bytes: unknown } {
  const intake = intakeOf(bus);
  const { own } = intake as unknown as { own: { calls: number; bytes: number } };
  return { lanes: intake.lanes().length, ...own };
}

describe('MemoryBus, whatever happens in whatever order', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0 }));
  afterEach(() => jest.useRealTimers());

  it('keeps its promises and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }), async (steps) => {
        const story = new Story();
        for (const action of steps) await story.play(action);
        await story.end();
        expect(story.faults).toEqual([]);
        expect(story.settled).toBe(story.calls);
        const { begun } = story;
        expect(begun.filter(({ late }) => late)).toEqual([]);
        const once = begun.filter(({ delivery }) => delivery === 'at-most-once').map(({ id }) => id);
        expect(new Set(once).size).toBe(once.length);
        expect(begun.filter(({ attempt }) => attempt > 2)).toEqual([]);
        for (const object of OBJECTS.slice(1)) {
          const order = begun.filter((one) => one.objectId === object && one.attempt === 1).map(({ id }) => id);
          expect(order).toEqual(story.accepted.filter((id) => order.includes(id)));
        }
        expect(inside(story.bus)).toEqual({ lanes: 0, calls: 0, bytes: 0 });
        expect(jest.getTimerCount()).toBe(0);
        await story.bus.close();
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  it('forgets the signals of callers whose calls have ended', async () => {
    const bus = new MemoryBus();
    const held = new HeldHandler();
    await bus.serve(subscription(), held.handle);
    const { signal } = new AbortController();
    const remove = jest.spyOn(signal, 'removeEventListener');
    const call = bus.invoke(invocation(), { delivery: 'at-most-once', signal });
    held.answer();
    await call;
    expect(remove).toHaveBeenCalledTimes(1);
    await bus.close();
  });
});
