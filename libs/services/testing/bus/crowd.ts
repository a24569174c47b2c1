import { setTimeout as sleep } from 'node:timers/promises';
import type { BusDelivery, BusHandler, BusSubscription, InvocationBus } from '../../src/bus/invocation-bus.js';
import { ServicesError } from '../../src/errors.js';
import { invocation, ofObject, okay, subscription } from './lab.js';

/** A process of agents that a test can do away with. */
export interface Agents {
  readonly bus: InvocationBus;
  /** ends it without a word */
  die(): Promise<void> | void;
}

interface Agent extends Agents {
  readonly subscription: BusSubscription;
}

const OBJECTS = ['a', 'b', 'c', 'd'];
const chance = (n: number): boolean => Math.random() < n;

/** Agents that come, go and die, for one object or all of them, and what must not happen meanwhile. */
export class Crowd {
  /** deliveries begun, by call */
  readonly begun = new Map<string, number>();
  /** objects of which two calls ran at once, at agents that both had a right to it */
  readonly overlaps: string[] = [];
  readonly outcomes = new Map<string, number>();
  readonly once = new Set<string>();
  readonly calls: Promise<void>[] = [];
  private readonly running = new Map<string, Set<BusDelivery>>();
  private agents: Agent[] = [];

  constructor(private readonly make: () => Promise<Agents>) {}

  private readonly handle: BusHandler = async (delivery) => {
    const { id, objectId } = delivery.invocation;
    this.begun.set(id, (this.begun.get(id) ?? 0) + 1);
    const running = this.running.get(objectId ?? id) ?? new Set<BusDelivery>();
    this.running.set(objectId ?? id, running);
    if (objectId !== undefined && [...running].some(({ isCut }) => !isCut)) this.overlaps.push(objectId);
    running.add(delivery);
    await sleep(Math.random() * 8);
    running.delete(delivery);
    if (chance(0.05)) throw new Error('a method may fail');
    return okay(delivery);
  };

  async join(): Promise<void> {
    const objectId = chance(0.4) ? OBJECTS[Math.floor(Math.random() * OBJECTS.length)] : undefined;
    const agents = await this.make();
    const concurrency = 1 + Math.floor(Math.random() * 3);
    const joined = await agents.bus.serve(subscription({ objectId, concurrency }), this.handle);
    this.agents.push({ ...agents, die: () => agents.die(), subscription: joined });
  }

  /** Somebody comes, goes or dies. */
  async disturb(): Promise<void> {
    const [agent] = this.agents.splice(Math.floor(Math.random() * this.agents.length), 1);
    const dice = Math.random();
    if (agent === undefined || dice < 0.4) {
      if (agent !== undefined) this.agents.push(agent);
      await this.join();
    } else if (dice < 0.7) await agent.subscription.stop(chance(0.5) ? 1000 : 0);
    else if (dice < 0.85) await agent.bus.close();
    else await agent.die();
  }

  /** A call of some kind; its end is counted. */
  call(caller: InvocationBus): void {
    const part = { deadline: Date.now() + 12_000 };
    const made = chance(0.7) ? ofObject(OBJECTS[this.calls.length % OBJECTS.length] as string, part) : invocation(part);
    const delivery = chance(0.5) ? 'at-most-once' : 'at-least-once';
    if (delivery === 'at-most-once') this.once.add(made.id);
    const signal = chance(0.05) ? AbortSignal.timeout(20) : undefined;
    this.calls.push(
      caller.invoke(made, { delivery, signal }).then(
        (reply) => this.count(`status ${reply.status}`),
        (thrown: unknown) => this.count(thrown instanceof ServicesError ? thrown.code : String(thrown)),
      ),
    );
  }

  private count(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  /** At-most-once calls that began more than once. */
  get doubled(): string[] {
    return [...this.begun].filter(([id, count]) => count > 1 && this.once.has(id)).map(([id]) => id);
  }
}
