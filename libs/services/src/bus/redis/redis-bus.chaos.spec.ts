import { setTimeout as sleep } from 'node:timers/promises';
import { describeWithRedis, eventually } from '@berth/testing';
import { invocation, ofObject, okay, SERVICE, subscription } from '../../../testing/bus/lab.js';
import type { FaultyLink } from '../../../testing/faulty-link.js';
import { type RedisLab, redisTest } from '../../../testing/redis/redis-lab.js';
import { ServicesError } from '../../errors.js';
import type { BusHandler, BusSubscription } from '../invocation-bus.js';
import type { RedisBus } from './redis-bus.js';

interface Agent {
  readonly bus: RedisBus;
  readonly link: FaultyLink;
  readonly subscription: BusSubscription;
}

const OBJECTS = ['a', 'b', 'c', 'd'];
const chance = (n: number): boolean => Math.random() < n;

/** Agents that come, go and die, for one object or all of them. */
class Crowd {
  readonly begun = new Map<string, number>();
  readonly gone: Agent[] = [];
  private agents: Agent[] = [];

  constructor(private readonly lab: RedisLab) {}

  readonly handle: BusHandler = async (delivery) => {
    const { id } = delivery.invocation;
    this.begun.set(id, (this.begun.get(id) ?? 0) + 1);
    await sleep(Math.random() * 8);
    if (chance(0.05)) throw new Error('a method may fail');
    return okay(delivery);
  };

  async join(): Promise<void> {
    const objectId = chance(0.4) ? OBJECTS[Math.floor(Math.random() * OBJECTS.length)] : undefined;
    const { bus, link } = await this.lab.behindLink();
    const concurrency = 1 + Math.floor(Math.random() * 3);
    // With so short a patience a busy machine looks like a broker that is away.
    const joined = await eventually(() => bus.serve(subscription({ objectId, concurrency }), this.handle), 10_000);
    this.agents.push({ bus, link, subscription: joined });
  }

  async disturb(): Promise<void> {
    const dice = Math.random();
    const [agent] = this.agents.splice(Math.floor(Math.random() * this.agents.length), 1);
    if (agent === undefined || dice < 0.3) {
      if (agent !== undefined) this.agents.push(agent);
      await this.join();
    } else if (dice < 0.5) {
      await agent.subscription.stop(chance(0.5) ? 1000 : 0);
      this.gone.push(agent);
    } else if (dice < 0.6) {
      await agent.bus.close();
    } else if (dice < 0.75) {
      // Dies; perhaps it comes back later as somebody else.
      agent.link.cut();
      this.gone.push(agent);
    } else {
      agent.link.breakAll();
      this.agents.push(agent);
    }
  }
}

describeWithRedis('RedisBus among agents that come, go and die', () => {
  redisTest(
    'every call ends, none at most once begins twice, and nothing stays in the broker',
    async (lab) => {
      const crowd = new Crowd(lab);
      await crowd.join();
      await crowd.join();
      const caller = lab.bus();
      const once = new Set<string>();
      const outcomes = new Map<string, number>();
      const count = (outcome: string): void => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      const calls: Promise<void>[] = [];
      const call = (): void => {
        const part = { deadline: Date.now() + 12_000 };
        const made = chance(0.7) ? ofObject(OBJECTS[calls.length % OBJECTS.length] as string, part) : invocation(part);
        const delivery = chance(0.5) ? 'at-most-once' : 'at-least-once';
        if (delivery === 'at-most-once') once.add(made.id);
        const signal = chance(0.05) ? AbortSignal.timeout(20) : undefined;
        calls.push(
          caller.invoke(made, { delivery, signal }).then(
            ({ status }) => count(`status ${status}`),
            (error: unknown) => count(error instanceof ServicesError ? error.code : String(error)),
          ),
        );
      };
      const end = Date.now() + 5000;
      while (Date.now() < end) {
        for (let i = 0; i < 4; i += 1) call();
        if (chance(0.15)) await crowd.disturb();
        await sleep(10);
      }
      // One that stays.
      const lasting = lab.bus();
      await eventually(() => lasting.serve(subscription(), crowd.handle), 10_000);
      await Promise.all(calls);
      expect([...outcomes.values()].reduce((sum, n) => sum + n, 0)).toBe(calls.length);
      expect([...outcomes.keys()].filter((name) => !/^status [03]$|^BERTH_SERVICE_/.test(name))).toEqual([]);
      expect(outcomes.get('status 0')).toBeGreaterThan(calls.length / 3);
      expect([...once].filter((id) => (crowd.begun.get(id) ?? 0) > 1)).toEqual([]);
      for (const { link, bus } of crowd.gone) {
        link.mend();
        await bus.close();
      }
      await eventually(async () => {
        const left = (await lab.keys()).filter((key) => /:(busy|queue|ready|waiting|leaving)$/.test(key));
        if (left.length > 0) throw new Error(left.join());
        return true;
      }, 10_000);
      expect(await lab.ask('HLEN', 'berth:free')).toBeLessThanOrEqual(
        (await lab.ask<string>('ZCARD', 'berth:workers')) as unknown as number,
      );
      // All objects are free: each answers at once.
      for (const objectId of OBJECTS) {
        const { status } = await caller.invoke(ofObject(objectId), { delivery: 'at-most-once' });
        expect([0, 3]).toContain(status);
      }
      expect((await caller.deadLetters(SERVICE, 0, 10)).length).toBeGreaterThan(0);
    },
    { workerTimeoutMs: 400 },
    60_000,
  );
});
