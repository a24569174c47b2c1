import { describeWithRedis, eventually } from '@berth/testing';
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
import { redisTest } from '../../../testing/redis/redis-lab.js';

const AT_MOST_ONCE = { delivery: 'at-most-once' } as const;
const AT_LEAST_ONCE = { delivery: 'at-least-once' } as const;

describeWithRedis('RedisBus whose broker loses its memory', () => {
  redisTest(
    'accepted at-most-once calls are OUTCOME_UNKNOWN, at-least-once are sent again, agents come back',
    async (lab) => {
      const held = new HeldHandler();
      const bus = lab.bus();
      const agent = await bus.serve(subscription(), held.handle);
      const caller = lab.bus();
      const once = later(caller.invoke(ofObject('a'), AT_MOST_ONCE));
      const again = caller.invoke(ofObject('b', { idempotencyKey: 'k' }), AT_LEAST_ONCE);
      await eventually(() => held.begun.length === 2);
      await lab.server.kill();
      await lab.server.forget();
      await eventually(() => caller.health().state === 'down' && bus.health().state === 'down');
      const never = caller.invoke(ofObject('c'), AT_MOST_ONCE);
      held.answerAll();
      await lab.server.start();
      expect(await codeOf(once)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
      await eventually(() => agent.state === 'running');
      const replies = Promise.all([again, never]);
      let over = false;
      void replies.finally(() => (over = true));
      await eventually(() => {
        held.answerAll();
        return over;
      });
      expect((await replies).map(textOf)).toEqual(['done', 'done']);
      expect(held.begun.map(({ invocation: { objectId } }) => objectId).sort()).toEqual(['a', 'b', 'b', 'c']);
    },
  );

  redisTest('FLUSHALL under a running bus: the same', async (lab) => {
    const bus = lab.bus();
    await bus.serve(subscription(), answering('done'));
    expect(textOf(await bus.invoke(ofObject('a'), AT_MOST_ONCE))).toBe('done');
    await lab.ask('FLUSHALL');
    await eventually(async () => textOf(await bus.invoke(ofObject('a'), AT_LEAST_ONCE)) === 'done', 10_000);
    expect(textOf(await bus.invoke(invocation(), AT_MOST_ONCE))).toBe('done');
  });

  redisTest('FLUSHALL: calls have the patience that an idle agent of another process needs to notice', async (lab) => {
    await lab.bus().serve(subscription(), answering('done'));
    const caller = lab.bus();
    await caller.ready();
    const held = new HeldHandler();
    await lab.bus().serve(subscription({ partition: 1 }), held.handle);
    const call = caller.invoke(ofObject('a', { partition: 1 }), AT_LEAST_ONCE);
    await eventually(() => held.begun.length === 1);
    await lab.ask('FLUSHALL');
    // The caller notices at once.
    const others = [0, 1].map((partition) => caller.invoke(ofObject('b', { partition }), AT_LEAST_ONCE));
    await eventually(() => held.begun.length === 3, 20_000);
    held.answerAll();
    expect(textOf(await call)).toBe('done');
    expect((await Promise.all(others)).map(textOf)).toEqual(['done', 'done']);
  });

  redisTest(
    'a broker that has lost only the end of its memory gives nothing to those who were there before',
    async (lab) => {
      const bus = lab.bus();
      await bus.serve(subscription(), answering('done'));
      expect(textOf(await bus.invoke(ofObject('a'), AT_MOST_ONCE))).toBe('done');
      const [known] = (await lab.keys()).filter((key) => key.startsWith('berth:proc:'));
      const [before] = (await lab.keys()).filter((key) => key.startsWith('berth:w:'));
      await lab.ask('HSET', known as string, 'seq', '1');
      await lab.ask('CLIENT', 'KILL', 'TYPE', 'normal');
      await eventually(async () => {
        const workers = (await lab.keys()).filter((key) => key.startsWith('berth:w:'));
        return workers.length === 1 && workers[0] !== before;
      });
      expect(textOf(await bus.invoke(ofObject('a'), AT_MOST_ONCE))).toBe('done');
    },
  );

  redisTest('SCRIPT FLUSH: nobody notices', async (lab) => {
    const bus = lab.bus();
    await bus.serve(subscription(), answering('done'));
    for (let i = 0; i < 3; i += 1) {
      await lab.ask('SCRIPT', 'FLUSH');
      const calls = Array.from({ length: 300 }, () => bus.invoke(ofObject('a'), AT_MOST_ONCE));
      for (const call of calls) expect(textOf(await call)).toBe('done');
    }
  });

  redisTest('a broker that refuses writes counts as away until it takes them again', async (lab) => {
    const bus = lab.bus({ connectTimeoutMs: 500 });
    await bus.serve(subscription(), answering('done'));
    await lab.ask('CONFIG', 'SET', 'maxmemory', '1');
    const early = later(bus.invoke(invocation({ deadline: Date.now() + 300 }), AT_MOST_ONCE));
    expect(await codeOf(early)).toMatch(/TIMEOUT|BUS_UNAVAILABLE/);
    await eventually(() => /OOM/.test(bus.health().reason ?? ''));
    const late = bus.invoke(invocation(), AT_MOST_ONCE);
    await lab.ask('CONFIG', 'SET', 'maxmemory', '0');
    expect(textOf(await late)).toBe('done');
  });
});
