import { setTimeout as sleep } from 'node:timers/promises';
import { describeWithRedis, eventually } from '@berth/testing';
import { invocation, ofObject, okay, subscription, textOf } from '../../../testing/bus/lab.js';
import { redisTest } from '../../../testing/redis/redis-lab.js';
import type { BusHandler } from '../invocation-bus.js';

/** Counts what ran, and in which order for each object. */
class Ledger {
  readonly runs = new Map<string, number>();
  readonly orders = new Map<string, number[]>();
  together = 0;
  readonly #now = new Set<string>();

  readonly handle: BusHandler = async (delivery) => {
    const { objectId, payload } = delivery.invocation;
    const text = Buffer.from(payload).toString();
    this.runs.set(text, (this.runs.get(text) ?? 0) + 1);
    if (objectId !== undefined) {
      if (this.#now.has(objectId)) this.together += 1;
      this.#now.add(objectId);
      const order = this.orders.get(objectId) ?? [];
      order.push(Number(text.split(':').at(-1)));
      this.orders.set(objectId, order);
    }
    await sleep(Math.random() * 3);
    if (objectId !== undefined) this.#now.delete(objectId);
    return okay(delivery, payload);
  };
}

describeWithRedis('RedisBus while its broker is stopped and started', () => {
  redisTest(
    'no accepted invocation is lost, none runs twice, and the order of each object holds (SIGTERM, then SIGKILL)',
    async (lab) => {
      const ledger = new Ledger();
      for (let i = 0; i < 2; i += 1) await lab.bus().serve(subscription({ concurrency: 16 }), ledger.handle);
      const counts = { sent: 0, answered: 0 };
      const failures: unknown[] = [];
      let going = true;
      // Each object has one caller, which sends before the last one is answered: two at a time, in order.
      const callers = [lab.bus(), lab.bus()];
      const line = async (n: number): Promise<void> => {
        const bus = callers[n % callers.length] as (typeof callers)[number];
        let before: Promise<void> = Promise.resolve();
        for (let i = 0; going; i += 1) {
          const text = `${n}:${i}`;
          const part = { payload: Buffer.from(text), deadline: Date.now() + 25_000 };
          const call = n % 2 === 0 ? ofObject(`object-${n}`, part) : invocation(part);
          counts.sent += 1;
          // No worker dies here: at least once is exactly once too.
          const ended = bus.invoke(call, { delivery: n % 4 < 2 ? 'at-most-once' : 'at-least-once' }).then(
            (reply) => {
              expect(textOf(reply)).toBe(text);
              counts.answered += 1;
            },
            (error: unknown) => {
              failures.push(error);
            },
          );
          await before;
          before = ended;
        }
        await before;
      };
      const lines = Array.from({ length: 8 }, (_, n) => line(n));
      try {
        await eventually(() => counts.answered > 500);
        await lab.server.stop();
        await sleep(2000);
        await lab.server.start();
        const after = counts.answered;
        await eventually(() => counts.answered > after + 1000, 15_000);
        await lab.server.kill();
        await sleep(1000);
        await lab.server.start();
        const afterKill = counts.answered;
        await eventually(() => counts.answered > afterKill + 1000, 15_000);
      } finally {
        going = false;
      }
      await Promise.all(lines);
      expect(failures).toEqual([]);
      expect(counts.answered).toBe(counts.sent);
      expect(ledger.runs.size).toBe(counts.sent);
      expect([...ledger.runs].filter(([, runs]) => runs !== 1)).toEqual([]);
      expect(ledger.together).toBe(0);
      for (const order of ledger.orders.values()) expect(order).toEqual(order.map((_, i) => i));
    },
    { connectTimeoutMs: 2000 },
    60_000,
  );
});
