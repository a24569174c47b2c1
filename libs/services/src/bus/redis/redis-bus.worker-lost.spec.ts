import { describeWithRedis, eventually } from '@berth/testing';
import {
  answering,
  codeOf,
  HeldHandler,
  invocation,
  later,
  ofObject,
  SERVICE,
  subscription,
  textOf,
} from '../../../testing/bus/lab.js';
import { redisTest } from '../../../testing/redis/redis-lab.js';

const AT_MOST_ONCE = { delivery: 'at-most-once' } as const;
const AT_LEAST_ONCE = { delivery: 'at-least-once' } as const;
/** Short enough to wait for, long enough for a machine with other work. */
const FAST = { workerTimeoutMs: 500 };

describeWithRedis('RedisBus when a worker is lost', () => {
  redisTest(
    'at-least-once goes to another worker, ahead of what waits; at-most-once is OUTCOME_UNKNOWN and a dead letter',
    async (lab) => {
      const caller = lab.bus();
      const doomed = await lab.behindLink();
      const held = new HeldHandler();
      await doomed.bus.serve(subscription({ concurrency: 10 }), held.handle);
      const again = [
        caller.invoke(ofObject('a', { payload: Buffer.from('1') }), AT_LEAST_ONCE),
        caller.invoke(ofObject('a', { payload: Buffer.from('2') }), AT_LEAST_ONCE),
        caller.invoke(invocation({ payload: Buffer.from('3') }), AT_LEAST_ONCE),
      ];
      const once = [
        later(caller.invoke(ofObject('b', { payload: Buffer.from('4') }), AT_MOST_ONCE)),
        later(caller.invoke(invocation({ payload: Buffer.from('5') }), AT_MOST_ONCE)),
      ];
      const behind = caller.invoke(ofObject('b', { payload: Buffer.from('6') }), AT_MOST_ONCE);
      await eventually(() => held.begun.length === 4);
      doomed.link.cut();
      const seen: string[] = [];
      await lab.bus().serve(subscription(), (delivery) => {
        seen.push(`${Buffer.from(delivery.invocation.payload).toString()}/${delivery.attempt}`);
        return answering('other')(delivery);
      });
      for (const call of again) expect(textOf(await call)).toBe('other');
      for (const call of once) expect(await codeOf(call)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
      expect(textOf(await behind)).toBe('other');
      expect([...seen].sort()).toEqual(['1/2', '2/1', '3/2', '6/1']);
      expect(seen.indexOf('1/2')).toBeLessThan(seen.indexOf('2/1'));
      const letters = await caller.deadLetters(SERVICE, 0);
      expect(letters.map(({ reason, delivery, attempts }) => [reason, delivery, attempts])).toEqual([
        ['worker-lost', 'at-most-once', 1],
        ['worker-lost', 'at-most-once', 1],
      ]);
      held.answerAll();
    },
    FAST,
  );

  redisTest(
    'a worker that was declared dead and wakes up answers nothing that it lost, frees no object, and serves again',
    async (lab) => {
      const caller = lab.bus();
      const sleeper = await lab.behindLink();
      const held = new HeldHandler();
      const agent = await sleeper.bus.serve(subscription(), held.handle);
      const lost = caller.invoke(ofObject('a'), AT_LEAST_ONCE);
      await eventually(() => held.begun.length === 1);
      sleeper.link.freeze();
      const other = new HeldHandler();
      const second = await lab.bus().serve(subscription({ concurrency: 1 }), other.handle);
      await eventually(() => other.begun.length === 1);
      expect(other.begun[0]?.attempt).toBe(2);
      // It wakes up while the other one runs the same invocation, and has its answer ready.
      held.answer('from the dead');
      sleeper.link.mend();
      await eventually(() => agent.state === 'running' && sleeper.bus.health().state === 'up');
      const behind = caller.invoke(ofObject('a'), AT_MOST_ONCE);
      const elsewhere = await Promise.all(
        [1, 2, 3].map(() =>
          later(
            caller
              .invoke(ofObject('x'), { ...AT_MOST_ONCE, signal: AbortSignal.timeout(100) })
              .catch((error: unknown) => error),
          ),
        ),
      );
      expect(elsewhere).toHaveLength(3);
      expect(other.begun).toHaveLength(1);
      other.answer('from the living');
      expect(textOf(await lost)).toBe('from the living');
      // Either of the two may have got what came behind it.
      let answered = false;
      void behind.finally(() => (answered = true));
      await eventually(() => {
        held.answerAll();
        other.answerAll();
        return answered;
      });
      expect(textOf(await behind)).toBe('done');
      await second.stop(0);
      const begun = held.begun.length;
      const again = caller.invoke(ofObject('a'), AT_MOST_ONCE);
      await eventually(() => held.begun.length > begun);
      held.answerAll();
      expect(textOf(await again)).toBe('done');
    },
    FAST,
  );

  redisTest(
    'the signal of what a worker lost is aborted when it learns so',
    async (lab) => {
      lab.bus();
      const sleeper = await lab.behindLink();
      const held = new HeldHandler();
      await sleeper.bus.serve(subscription(), held.handle);
      const call = later(lab.bus().invoke(ofObject('a'), AT_MOST_ONCE));
      await eventually(() => held.begun.length === 1);
      const { signal } = held.begun[0] ?? {};
      sleeper.link.cut();
      expect(await codeOf(call)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
      expect(signal?.aborted).toBe(false);
      sleeper.link.mend();
      await eventually(() => signal?.aborted === true);
      held.answerAll();
    },
    FAST,
  );

  redisTest(
    'the only agent is lost: NO_AGENT for new calls; what waits is begun by the next agent',
    async (lab) => {
      const caller = lab.bus();
      const doomed = await lab.behindLink();
      const held = new HeldHandler();
      await doomed.bus.serve(subscription({ objectId: 'a', statelessMethods: [] }), held.handle);
      const first = later(caller.invoke(ofObject('a'), AT_LEAST_ONCE));
      const second = later(caller.invoke(ofObject('a'), AT_MOST_ONCE));
      await eventually(() => held.begun.length === 1);
      doomed.link.cut();
      await eventually(async () => {
        const probe = await codeOf(caller.invoke(ofObject('a', { deadline: Date.now() + 50 }), AT_MOST_ONCE));
        return probe === 'BERTH_SERVICE_NO_AGENT';
      }, 10_000);
      await lab.bus().serve(subscription(), answering('next'));
      expect(textOf(await first)).toBe('next');
      expect(textOf(await second)).toBe('next');
    },
    FAST,
  );

  redisTest(
    'nobody comes: what waits expires, at-least-once as a dead letter, and leaves nothing in the broker',
    async (lab) => {
      const caller = lab.bus();
      const doomed = await lab.behindLink();
      const held = new HeldHandler();
      await doomed.bus.serve(subscription({ concurrency: 2 }), held.handle);
      const deadline = Date.now() + 1500;
      const calls = [
        caller.invoke(ofObject('a', { deadline }), AT_LEAST_ONCE),
        caller.invoke(ofObject('a', { deadline }), AT_LEAST_ONCE),
        caller.invoke(invocation({ deadline }), AT_MOST_ONCE),
        caller.invoke(invocation({ deadline }), AT_MOST_ONCE),
        caller.invoke(ofObject('b', { deadline }), AT_MOST_ONCE),
      ].map(later);
      await eventually(() => held.begun.length === 2);
      doomed.link.cut();
      for (const call of calls) expect(await codeOf(call)).toMatch(/TIMEOUT|OUTCOME_UNKNOWN/);
      await eventually(async () => (await caller.deadLetters(SERVICE, 0)).length >= 2, 10_000);
      await doomed.bus.close();
      await eventually(async () => {
        const left = (await lab.keys()).filter((key) => !/^berth:(in:|proc:|workers$)/.test(key));
        if (left.length > 1) throw new Error(left.join());
        return left.join() === `berth:oprc/${SERVICE}/0:dead`;
      }, 10_000);
      held.answerAll();
    },
    FAST,
  );

  redisTest(
    'a break that is longer than workerTimeoutMs, of all at once, costs nothing',
    async (lab) => {
      const held = new HeldHandler();
      const agent = await lab.bus().serve(subscription(), held.handle);
      const caller = lab.bus();
      const call = caller.invoke(ofObject('a'), AT_MOST_ONCE);
      await eventually(() => held.begun.length === 1);
      await lab.server.stop();
      await new Promise((resolve) => setTimeout(resolve, 1200));
      await lab.server.start();
      await eventually(() => agent.state === 'running' && caller.health().state === 'up');
      held.answer('after the break');
      expect(textOf(await call)).toBe('after the break');
      expect(held.begun).toHaveLength(1);
    },
    FAST,
  );
});
