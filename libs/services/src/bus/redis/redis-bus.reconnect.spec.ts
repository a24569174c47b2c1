import { setTimeout as sleep } from 'node:timers/promises';
import { describeWithRedis, eventually, RedisServer } from '@berth/testing';
import {
  answering,
  codeOf,
  HeldHandler,
  invocation,
  later,
  ofObject,
  subscription,
  textOf,
} from '../../../testing/bus/lab.js';
import { FaultyLink } from '../../../testing/faulty-link.js';
import { RedisLab, redisTest } from '../../../testing/redis/redis-lab.js';
import { RedisBus } from './redis-bus.js';

const AT_MOST_ONCE = { delivery: 'at-most-once' } as const;

describeWithRedis('RedisBus over a connection that breaks', () => {
  redisTest('calls whose acceptance was lost on the way back run once, and are answered', async (lab) => {
    const seen: string[] = [];
    await lab.bus().serve(subscription(), (delivery) => {
      seen.push(delivery.invocation.id);
      return answering('done')(delivery);
    });
    const { bus, link } = await lab.behindLink();
    for (let round = 0; round < 5; round += 1) {
      await eventually(() => bus.health().state === 'up');
      link.swallowAnswers();
      const calls = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? invocation() : ofObject('one')));
      const replies = calls.map((call) => bus.invoke(call, AT_MOST_ONCE));
      await eventually(() => calls.every(({ id }) => seen.includes(id)));
      link.breakAll();
      link.mend();
      for (const reply of await Promise.all(replies)) expect(textOf(reply)).toBe('done');
    }
    expect(seen).toHaveLength(100);
    expect(new Set(seen).size).toBe(100);
  });

  redisTest('refusals that were lost on the way back are found out', async (lab) => {
    const { bus, link } = await lab.behindLink();
    link.swallowAnswers();
    const refused = later(bus.invoke(invocation(), AT_MOST_ONCE));
    const [inbox] = (await lab.keys()).filter((key) => key.startsWith('berth:in:'));
    await eventually(async () => (await lab.ask<number>('XLEN', inbox as string)) >= 2);
    link.breakAll();
    link.mend();
    expect(await codeOf(refused)).toBe('BERTH_SERVICE_NO_AGENT');
  });

  redisTest('a worker that loses its connection answers what it runs, and gets what was given to it', async (lab) => {
    const held = new HeldHandler();
    const { bus, link } = await lab.behindLink();
    const agent = await bus.serve(subscription({ concurrency: 2 }), held.handle);
    const caller = lab.bus();
    const running = caller.invoke(invocation(), AT_MOST_ONCE);
    await eventually(() => held.begun.length === 1);
    link.cut();
    await eventually(() => agent.state === 'reconnecting');
    expect(bus.health().state).toBe('down');
    expect(bus.health().reason).toBeDefined();
    held.answer('while away');
    // The broker gives it to the worker, which counts as alive.
    const given = caller.invoke(invocation(), AT_MOST_ONCE);
    link.mend();
    expect(textOf(await running)).toBe('while away');
    await eventually(() => held.begun.length === 2);
    held.answer('after');
    expect(textOf(await given)).toBe('after');
    expect(agent.state).toBe('running');
    expect(bus.health()).toEqual({ state: 'up' });
  });

  redisTest(
    'a storm of broken connections loses, doubles and disorders nothing',
    async (lab) => {
      const runs = new Map<string, number>();
      const orders: number[] = [];
      const worker = await lab.behindLink();
      await worker.bus.serve(subscription({ concurrency: 50 }), async (delivery) => {
        const { id, objectId, payload } = delivery.invocation;
        runs.set(id, (runs.get(id) ?? 0) + 1);
        if (objectId !== undefined) orders.push(Number(Buffer.from(payload).toString()));
        await sleep(1);
        return answering('done')(delivery);
      });
      const caller = await lab.behindLink();
      const storm = { over: false };
      const breaking = (async () => {
        for (let i = 0; !storm.over; i += 1) {
          await sleep(20 + Math.random() * 60);
          const { link } = i % 2 === 0 ? worker : caller;
          if (i % 3 === 0) link.swallowAnswers();
          await sleep(5);
          link.breakAll();
          link.mend();
        }
      })();
      const replies: Promise<unknown>[] = [];
      // What is lost ends the test, and not the time of the test.
      const deadline = Date.now() + 40_000;
      try {
        for (let i = 0; i < 1500; i += 1) {
          const part = { deadline };
          const call = i % 3 === 0 ? ofObject('one', { ...part, payload: Buffer.from(String(i)) }) : invocation(part);
          replies.push(later(caller.bus.invoke(call, AT_MOST_ONCE)));
          if (i % 10 === 0) await sleep(10);
        }
      } finally {
        // While it goes on, a machine with other work may get no answer through.
        storm.over = true;
        await breaking;
      }
      await Promise.all(replies);
      expect(runs.size).toBe(1500);
      expect([...runs.values()].every((n) => n === 1)).toBe(true);
      expect(orders).toEqual(Array.from({ length: 500 }, (_, i) => i * 3));
    },
    {},
    60_000,
  );

  redisTest('calls wait for a broker that is away until their deadline, and no longer', async (lab) => {
    await lab.bus().serve(subscription(), answering('done'));
    const { bus, link } = await lab.behindLink();
    link.cut();
    await eventually(() => bus.health().state === 'down');
    const early = later(bus.invoke(invocation({ deadline: Date.now() + 100 }), AT_MOST_ONCE));
    const late = bus.invoke(invocation(), AT_MOST_ONCE);
    expect(await codeOf(early)).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
    link.mend();
    expect(textOf(await late)).toBe('done');
  });

  redisTest('the calls that wait for the broker are bounded: BUSY', async (lab) => {
    const { bus, link } = await lab.behindLink({ maxPendingCalls: 3 });
    link.cut();
    await eventually(() => bus.health().state === 'down');
    const waiting = [1, 2, 3].map(() => later(bus.invoke(invocation(), AT_MOST_ONCE)));
    expect(await codeOf(bus.invoke(invocation(), AT_MOST_ONCE))).toBe('BERTH_SERVICE_BUSY');
    await bus.close();
    for (const call of waiting) expect(await codeOf(call)).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
  });

  redisTest(
    'a broker that is frozen counts as away',
    async (lab) => {
      await lab.bus().serve(subscription(), answering('done'));
      const { bus, link } = await lab.behindLink();
      link.freeze();
      await eventually(() => bus.health().state === 'down');
      const call = bus.invoke(invocation(), AT_MOST_ONCE);
      link.mend();
      expect(textOf(await call)).toBe('done');
    },
    { workerTimeoutMs: 600 },
  );

  it('B1: a broker that is down at start: serve and ready fail in time, and work when it has come', async () => {
    const server = await RedisServer.start();
    await server.stop();
    const bus = new RedisBus({ url: server.url, connectTimeoutMs: 200 });
    try {
      const started = Date.now();
      expect(await codeOf(bus.ready())).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
      expect(await codeOf(bus.serve(subscription(), answering('never')))).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
      expect(await codeOf(bus.deadLetters('shop.Counter', 0))).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
      expect(await codeOf(RedisBus.connect({ url: server.url, connectTimeoutMs: 200 }))).toBe(
        'BERTH_SERVICE_BUS_UNAVAILABLE',
      );
      expect(Date.now() - started).toBeGreaterThanOrEqual(790);
      await server.start();
      await eventually(() => bus.health().state === 'up');
      // A busy machine may need more than the 200 ms of one attempt.
      await eventually(() => bus.serve(subscription(), answering('served')));
      expect(textOf(await bus.invoke(invocation(), AT_MOST_ONCE))).toBe('served');
    } finally {
      await bus.close();
      await server.close();
    }
  });

  it('the password appears in no error, no reason and no line of the log', async () => {
    const server = await RedisServer.start({ password: 'right' });
    const lines: unknown[] = [];
    const keep = (...line: unknown[]): void => void lines.push(line);
    const log = { debug: keep, info: keep, warn: keep, error: keep };
    const url = server.url.replace('right', 'wr%40ng');
    const bus = new RedisBus({ url, connectTimeoutMs: 300, log });
    try {
      const error: unknown = await bus.ready().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'BERTH_SERVICE_BUS_UNAVAILABLE' });
      const all = JSON.stringify([String(error), error, bus.health(), lines]);
      expect(all).toMatch(/WRONGPASS/);
      expect(all).not.toMatch(/wr@ng|wr%40ng/);
    } finally {
      await bus.close();
      await server.close();
    }
  });

  it('close while the broker is away leaves nothing behind, and does not wait for it', async () => {
    const lab = await RedisLab.open();
    const link = await FaultyLink.to(lab.server.port);
    const bus = new RedisBus({ url: link.url });
    await bus.ready();
    link.cut();
    await eventually(() => bus.health().state === 'down');
    const started = Date.now();
    await bus.close();
    // As long as it would wait for one that is there.
    expect(Date.now() - started).toBeLessThan(1_000);
    await link.close();
    await lab.close();
  });
});
