import { setTimeout as sleep } from 'node:timers/promises';
import { describeWithRedis, eventually } from '@berth/testing';
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
import { redisTest } from '../../../testing/redis/redis-lab.js';

const AT_MOST_ONCE = { delivery: 'at-most-once' } as const;
const AT_LEAST_ONCE = { delivery: 'at-least-once' } as const;

describeWithRedis('RedisBus', () => {
  redisTest('B14: the names in the broker have the keys in them, to the letter', async (lab) => {
    const held = new HeldHandler();
    const worker = lab.bus();
    await worker.serve(subscription({ partition: 7, concurrency: 1, statelessMethods: ['add'] }), held.handle);
    const caller = lab.bus();
    const calls = [
      ofObject('o-1', { partition: 7 }),
      ofObject('o-1', { partition: 7 }),
      invocation({ partition: 7 }),
    ].map((call) => later(caller.invoke(call, AT_LEAST_ONCE)));
    await eventually(async () => (await lab.keys()).filter((key) => key.endsWith(':queue')).length === 2);
    const keys = (await lab.keys()).filter((key) => key.startsWith('berth:oprc/'));
    expect(keys).toEqual([
      `berth:oprc/${SERVICE}/7/invokes/add:agents`,
      `berth:oprc/${SERVICE}/7/invokes/add:queue`,
      `berth:oprc/${SERVICE}/7/objects/o-1:queue`,
      `berth:oprc/${SERVICE}/7/objects:agents`,
      `berth:oprc/${SERVICE}/7:busy`,
      `berth:oprc/${SERVICE}/7:waiting`,
    ]);
    const [record] = await lab.ask<string[]>('LRANGE', `berth:oprc/${SERVICE}/7/objects/o-1:queue`, '0', '0');
    expect(record).toContain(`,oprc/${SERVICE}/7/objects/o-1/invokes/add\n`);
    await eventually(() => {
      held.answerAll();
      return held.begun.length === 3;
    });
    held.answerAll();
    await Promise.all(calls);
  });

  redisTest('what has ended leaves nothing in the broker, and a closed bus no connection', async (lab) => {
    const worker = lab.bus();
    const agent = await worker.serve(subscription({ concurrency: 2 }), answering('done'));
    const own = await worker.serve(subscription({ objectId: 'own', statelessMethods: [] }), answering('own'));
    const caller = lab.bus();
    const calls = Array.from({ length: 200 }, (_, i) => {
      const call = i % 3 === 0 ? invocation() : ofObject(i % 3 === 1 ? 'own' : `o-${i % 7}`);
      return caller.invoke(call, i % 2 === 0 ? AT_LEAST_ONCE : AT_MOST_ONCE);
    });
    await Promise.all(calls);
    const held = new HeldHandler();
    const late = await worker.serve(subscription({ partition: 1 }), held.handle);
    const last = caller.invoke(ofObject('a', { partition: 1 }), AT_MOST_ONCE);
    await eventually(() => held.begun.length === 1);
    const stopped = late.stop(60_000);
    held.answer();
    await last;
    await Promise.all([stopped, agent.stop(1000), own.stop(1000)]);
    expect(agent.state).toBe('stopped');
    // The last step of a stop has been done by now: what is left are two processes without work.
    const left = (await lab.keys()).filter((key) => !/^berth:(in|proc|work):|^berth:workers$|^berth:queued$/.test(key));
    expect(left.filter((key) => !key.endsWith(':waiting'))).toEqual([]);
    await worker.close();
    await caller.close();
    expect((await lab.keys()).filter((key) => !/:(waiting|queued)$/.test(key))).toEqual([]);
    // The one that asks.
    expect((await lab.ask<string>('CLIENT', 'LIST')).trim().split('\n')).toHaveLength(1);
  });

  redisTest('replies that were read do not stay in the broker', async (lab) => {
    await lab.bus().serve(subscription(), (delivery) => Promise.resolve(okay(delivery, Buffer.alloc(1000, 'x'))));
    const caller = lab.bus();
    for (let i = 0; i < 40; i += 1)
      await Promise.all(Array.from({ length: 50 }, () => caller.invoke(invocation(), AT_MOST_ONCE)));
    const lengths = await Promise.all(
      (await lab.keys()).filter((key) => key.startsWith('berth:in:')).map((key) => lab.ask<number>('XLEN', key)),
    );
    expect(Math.max(...lengths)).toBeLessThan(400);
    const [work] = (await lab.keys()).filter((key) => key.startsWith('berth:work:'));
    expect(await lab.ask<number>('XLEN', work as string)).toBe(0);
  });

  redisTest('silent callers lose their inbox in the end', async (lab) => {
    const caller = lab.bus();
    await caller.ready();
    for (const key of (await lab.keys()).filter((name) => /^berth:(in|proc):/.test(name)))
      expect(await lab.ask<number>('PTTL', key)).toBeGreaterThan(200_000);
  });

  redisTest('a reply above maxPayloadBytes is BAD_RESULT', async (lab) => {
    await lab
      .bus({ maxPayloadBytes: 100 })
      .serve(subscription(), (delivery) => Promise.resolve(okay(delivery, Buffer.alloc(101))));
    const reply = await lab.bus().invoke(invocation(), AT_MOST_ONCE);
    expect(textOf(reply)).toMatch(/BERTH_SERVICE_BAD_RESULT.*101 bytes.*maxPayloadBytes is 100/);
  });

  redisTest('options and headers are bounded too', async (lab) => {
    const long = { long: 'x'.repeat(70_000) };
    await lab.bus().serve(subscription(), (delivery) => Promise.resolve({ ...okay(delivery), headers: long }));
    const bus = lab.bus();
    expect(await codeOf(bus.invoke(invocation({ options: long }), AT_MOST_ONCE))).toBe(
      'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
    );
    expect(textOf(await bus.invoke(invocation(), AT_MOST_ONCE))).toMatch(/BERTH_SERVICE_BAD_RESULT/);
  });

  redisTest('calls of more bytes than maxPendingBytes are BUSY', async (lab) => {
    const held = new HeldHandler();
    await lab.bus().serve(subscription(), held.handle);
    const caller = lab.bus({ maxPendingBytes: 1000 });
    const first = caller.invoke(invocation({ payload: Buffer.alloc(600) }), AT_MOST_ONCE);
    expect(await codeOf(caller.invoke(invocation({ payload: Buffer.alloc(600) }), AT_MOST_ONCE))).toBe(
      'BERTH_SERVICE_BUSY',
    );
    await eventually(() => held.begun.length === 1);
    held.answerAll();
    await first;
    const next = caller.invoke(invocation({ payload: Buffer.alloc(600) }), AT_MOST_ONCE);
    await eventually(() => held.begun.length === 2);
    held.answerAll();
    expect(textOf(await next)).toBe('done');
  });

  redisTest('a caller that leaves takes along what has not begun', async (lab) => {
    const held = new HeldHandler();
    await lab.bus().serve(subscription(), held.handle);
    const caller = lab.bus();
    const first = caller.invoke(ofObject('a'), AT_MOST_ONCE);
    await eventually(() => held.begun.length === 1);
    const leaving = new AbortController();
    const left = later(caller.invoke(ofObject('a'), { ...AT_MOST_ONCE, signal: leaving.signal }));
    const last = caller.invoke(ofObject('a'), AT_MOST_ONCE);
    await eventually(async () => (await lab.ask<number>('LLEN', `berth:oprc/${SERVICE}/0/objects/a:queue`)) === 2);
    leaving.abort();
    expect(await codeOf(left)).toBe('BERTH_SERVICE_CANCELLED');
    await eventually(async () => (await lab.keys()).some((key) => key.startsWith('berth:left:')));
    held.answer();
    await eventually(() => held.begun.length === 2);
    held.answer('last');
    await first;
    expect(textOf(await last)).toBe('last');
    expect(held.begun).toHaveLength(2);
  });

  redisTest('B13: object ids without a key are BAD_OBJECT_ID; names without one are served by nobody', async (lab) => {
    const bus = lab.bus();
    await bus.serve(subscription(), answering('done'));
    for (const objectId of ['', 'a/b', 'a\nb']) {
      expect(await codeOf(bus.invoke(ofObject(objectId), AT_MOST_ONCE))).toBe('BERTH_SERVICE_BAD_OBJECT_ID');
      expect(await codeOf(bus.serve(subscription({ objectId }), answering('')))).toBe('BERTH_SERVICE_INVALID');
    }
    for (const part of [{ service: 'a/b' }, { service: 'a\nb' }, { method: 'a\nb' }])
      expect(await codeOf(bus.invoke(invocation(part), AT_MOST_ONCE))).toBe('BERTH_SERVICE_NO_AGENT');
    for (const part of [{ service: 'a/b' }, { partition: -1 }, { concurrency: 0 }, { statelessMethods: ['a\nb'] }])
      expect(await codeOf(bus.serve(subscription(part), answering('')))).toBe('BERTH_SERVICE_INVALID');
    // A method may have any other name.
    await bus.serve(subscription({ statelessMethods: ['a/invokes/b:queue'] }), answering('odd'));
    expect(textOf(await bus.invoke(invocation({ method: 'a/invokes/b:queue' }), AT_MOST_ONCE))).toBe('odd');
  });

  redisTest('what a worker cannot read does not stop it', async (lab) => {
    const bus = lab.bus();
    await bus.serve(subscription(), answering('done'));
    expect(textOf(await bus.invoke(ofObject('a'), AT_MOST_ONCE))).toBe('done');
    const [work] = (await lab.keys()).filter((key) => key.startsWith('berth:work:'));
    const record = `${Date.now() + 5000},1,nobody,1,0,1,oprc/${SERVICE}/0/invokes/add\nthis is no JSON\n`;
    await lab.ask('XADD', work as string, '*', '1', record);
    await eventually(async () => (await lab.ask<number>('XLEN', work as string)) === 0);
    expect(textOf(await bus.invoke(ofObject('a'), AT_MOST_ONCE))).toBe('done');
  });

  redisTest('deadlines hold although the clocks of hosts differ', async (lab) => {
    const held = new HeldHandler();
    const { bus: worker } = await lab.behindLink();
    await worker.serve(subscription({ concurrency: 1 }), held.handle);
    const real = Date.now;
    // A caller whose clock is an hour ahead of the broker's.
    const caller = lab.bus();
    await caller.ready();
    const skewed = invocation({ deadline: Date.now() + 3_600_000 + 5_000 });
    Date.now = () => real() + 3_600_000;
    const call = caller.invoke(skewed, AT_MOST_ONCE);
    await new Promise((resolve) => process.nextTick(resolve));
    Date.now = real;
    await eventually(() => held.begun.length === 1);
    expect(Math.abs((held.begun[0]?.invocation.deadline ?? 0) - (Date.now() + 5_000))).toBeLessThan(2_000);
    held.answerAll();
    expect(textOf(await call)).toBe('done');
  });

  redisTest('what waited for a broker that stood still does not begin after its deadline', async (lab) => {
    const held = new HeldHandler();
    await lab.bus().serve(subscription(), held.handle);
    const caller = lab.bus();
    await caller.ready();
    process.kill(lab.server.pid ?? 0, 'SIGSTOP');
    const late = later(caller.invoke(invocation({ deadline: Date.now() + 200 }), AT_MOST_ONCE));
    const inTime = later(caller.invoke(invocation(), AT_MOST_ONCE));
    expect(await codeOf(late)).toBe('BERTH_SERVICE_TIMEOUT');
    // So late that the deadline has passed even for a broker whose clock is known only roughly.
    await sleep(200);
    process.kill(lab.server.pid ?? 0, 'SIGCONT');
    await eventually(() => held.begun.length > 0);
    held.answer('in time');
    expect(textOf(await inTime)).toBe('in time');
    expect(held.begun).toHaveLength(1);
  });

  redisTest('a host that slept, or a broker whose clock was put forward, costs no call', async (lab) => {
    await lab.bus().serve(subscription(), answering('done'));
    const caller = lab.bus();
    expect(textOf(await caller.invoke(ofObject('a'), AT_MOST_ONCE))).toBe('done');
    // The steady clock stands still while a host sleeps.
    const real = performance.now.bind(performance);
    performance.now = () => real() - 60_000;
    try {
      for (let i = 0; i < 3; i += 1)
        expect(textOf(await caller.invoke(ofObject('a', { deadline: Date.now() + 20_000 }), AT_MOST_ONCE))).toBe(
          'done',
        );
    } finally {
      performance.now = real;
    }
  });

  redisTest('a bus that is closed takes along what has not begun, and what runs is told', async (lab) => {
    const held = new HeldHandler();
    await lab.bus().serve(subscription(), held.handle);
    const caller = lab.bus();
    const calls = [1, 2, 3].map(() => later(caller.invoke(ofObject('a'), AT_MOST_ONCE)));
    await eventually(async () => (await lab.ask<number>('LLEN', `berth:oprc/${SERVICE}/0/objects/a:queue`)) === 2);
    await eventually(() => held.begun.length === 1);
    await caller.close();
    for (const call of calls) expect(await codeOf(call)).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
    await eventually(() => held.begun[0]?.signal.aborted);
    const last = ofObject('a');
    const reply = lab.bus().invoke(last, AT_MOST_ONCE);
    held.answer();
    await eventually(() => held.begun.length === 2);
    held.answer('last');
    expect(textOf(await reply)).toBe('last');
    expect(held.begun[1]?.invocation.id).toBe(last.id);
  });

  redisTest('callers who left while their calls were on the way to a worker: none of these begins', async (lab) => {
    const held = new HeldHandler();
    const { bus, link } = await lab.behindLink();
    await bus.serve(subscription({ concurrency: 2000 }), held.handle);
    const caller = lab.bus();
    await caller.ready();
    link.freeze();
    const leaving = new AbortController();
    // More than come with one read.
    const calls = Array.from({ length: 700 }, () =>
      later(caller.invoke(invocation(), { ...AT_MOST_ONCE, signal: leaving.signal })),
    );
    const [work] = (await lab.keys()).filter((key) => key.startsWith('berth:w:'));
    const stream = (work as string).replace('berth:w:', 'berth:work:');
    await eventually(async () => (await lab.ask<number>('XLEN', stream)) === 700);
    leaving.abort();
    for (const call of calls) expect(await codeOf(call)).toBe('BERTH_SERVICE_CANCELLED');
    const known = async (): Promise<number> => (await lab.keys()).filter((key) => key.startsWith('berth:left:')).length;
    await eventually(async () => (await known()) === 700);
    link.mend();
    await eventually(async () => (await lab.ask<number>('XLEN', stream)) === held.begun.length);
    // One read may have been on its way when the link froze.
    expect(held.begun.filter(({ signal }) => !signal.aborted)).toEqual([]);
    expect(held.begun.length).toBeLessThan(700);
    held.answerAll();
    await eventually(async () => (await lab.ask<string>('HGET', 'berth:free', `${stream.slice(11)}/1`)) === '2000');
  });
});
