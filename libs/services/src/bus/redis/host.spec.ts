import { jest } from '@jest/globals';
import { eventually } from '@berth/testing';
import { codeOf, HeldHandler, ofObject, subscription } from '../../../testing/bus/lab.js';
import { RedisDelivery } from './delivery.js';
import { Host } from './host.js';
import { encodeBody } from './message.js';
import { redisBusLimits } from './options.js';
import { type Args, Pipeline } from './pipeline.js';
import type { Session } from './session.js';

interface FakeSession {
  readonly session: Session;
  readonly pipeline: Pipeline;
  readonly steps: Args[];
  alive: boolean;
  silent: boolean;
  worker: string;
  clockOffsetMs: number;
  measure: () => void;
}

/** A session without a broker: what is pushed is accepted at once, unless it is silent. */
function fakeSession(): FakeSession {
  const steps: Args[] = [];
  const pipeline: Pipeline = new Pipeline({
    submit: (_sequence, args): Promise<unknown> => {
      steps.push(args);
      return fake.silent ? new Promise(() => undefined) : Promise.resolve('DONE');
    },
    answered: () => undefined,
    failed: () => undefined,
    dropped: () => undefined,
  });
  pipeline.resume(0);
  const fake = {
    steps,
    pipeline,
    alive: true,
    silent: false,
    worker: 'w-1',
    clockOffsetMs: 0,
    measure: (): void => undefined,
    settled: () => Promise.resolve(),
  };
  return Object.assign(fake, { session: fake as unknown as Session });
}

function record({ deadline = Date.now() + 10_000, attempt = 1, call = '1' } = {}): Buffer {
  const body = encodeBody(ofObject('a'), 'at-least-once', 5);
  return Buffer.concat([Buffer.from(`${deadline},${attempt},caller,${call},`), Buffer.from(body)]);
}

describe('Host', () => {
  const limits = redisBusLimits({ url: 'redis://nowhere' });

  it('begins nothing while others may have declared this worker dead (a process that was stopped and wakes)', async () => {
    const fake = fakeSession();
    const host = new Host(limits, fake.session, () => true);
    const held = new HeldHandler();
    await host.serve(subscription(), held.handle);
    fake.alive = false;
    host.take('1-0', '1', record());
    host.take('2-0', '1', record());
    host.alive();
    expect(held.begun).toHaveLength(0);
    fake.alive = true;
    host.alive();
    expect(held.begun).toHaveLength(2);

    fake.alive = false;
    host.take('3-0', '1', record());
    fake.worker = 'w-2';
    host.startAgain();
    fake.alive = true;
    host.alive();
    // The third is somebody else's now; the first two are too, and were told so.
    expect(held.begun).toHaveLength(2);
    expect(held.begun.every(({ signal }) => signal.aborted)).toBe(true);
    await eventually(() => fake.steps.some((args) => args[0] === 'J' && args[1] === 'w-2'));
    held.answerAll();
    await new Promise((resolve) => setImmediate(resolve));
    expect(fake.steps.flat()).not.toContain('D');
    host.close();
  });

  it('never begins what is late, and says so', async () => {
    const fake = fakeSession();
    const host = new Host(limits, fake.session, () => true);
    fake.measure = () => host.alive();
    const held = new HeldHandler();
    await host.serve(subscription(), held.handle);
    host.take('1-0', '1', record({ deadline: Date.now() - 1 }));
    await eventually(() => fake.steps.some((args) => args[0] === 'D' && args[8] === 'expired'));
    expect(held.begun).toHaveLength(0);
    host.close();
  });

  it('begins what only seemed late, as a clock had been set', async () => {
    const fake = fakeSession();
    const host = new Host(limits, fake.session, () => true);
    const held = new HeldHandler();
    await host.serve(subscription(), held.handle);
    // As the broker's clock was ahead before it was put back.
    fake.clockOffsetMs = 60_000;
    let asked = 0;
    fake.measure = () => void (asked += 1);
    host.take('1-0', '1', record());
    expect([asked, held.begun.length]).toEqual([1, 0]);
    fake.clockOffsetMs = 0;
    host.alive();
    expect(held.begun).toHaveLength(1);
    held.answerAll();
    host.close();
  });

  it('a caller that left before its work has come, or while it is held, takes it along', async () => {
    const fake = fakeSession();
    const host = new Host(limits, fake.session, () => true);
    const held = new HeldHandler();
    await host.serve(subscription(), held.handle);
    const ended = (): unknown[] =>
      fake.steps.flatMap((args) => args.flatMap((arg, i) => (arg === 'D' ? args[i + 3] : [])));
    // More work waits behind what was read.
    host.told('Ccaller,1');
    host.told('Ccaller,2');
    host.handed(false);
    host.take('1-0', '1', record({ call: '1' }));
    host.take('2-0', '1', record({ call: '2', attempt: 2 }));
    host.take('3-0', '1', record({ call: '3' }));
    await eventually(() => ended().length === 1);
    expect(ended()).toEqual(['1-0']);
    // What was begun once is on its way.
    expect(held.begun.map(({ attempt, signal }) => [attempt, signal.aborted])).toEqual([
      [2, true],
      [1, false],
    ]);
    fake.alive = false;
    host.take('4-0', '1', record({ call: '4' }));
    host.told('Ccaller,4');
    host.told('Ccaller,5');
    host.handed(true);
    fake.alive = true;
    host.alive();
    await eventually(() => ended().length === 2);
    expect(ended()).toEqual(['1-0', '4-0']);
    // All work that there was has come: nothing is remembered.
    host.handed(true);
    host.take('5-0', '1', record({ call: '5' }));
    expect(held.begun).toHaveLength(3);
    held.answerAll();
    host.close();
  });

  it('thousands of callers that leave at once cost one look at what runs', async () => {
    const fake = fakeSession();
    const host = new Host(limits, fake.session, () => true);
    const held = new HeldHandler();
    await host.serve(subscription(), held.handle);
    for (let i = 1; i <= 2000; i += 1) host.take(`${i}-0`, '1', record({ call: `${i}` }));
    expect(held.begun).toHaveLength(2000);
    const looks = jest.spyOn(RedisDelivery.prototype, 'call', 'get');
    for (let i = 1; i <= 2000; i += 1) host.told(`Ccaller,${i}`);
    host.handed(true);
    expect(looks.mock.calls).toHaveLength(2000);
    looks.mockRestore();
    expect(held.begun.every(({ signal }) => signal.aborted)).toBe(true);
    held.answerAll();
    host.close();
  });

  it('aborts the signal of what runs past its deadline', async () => {
    const fake = fakeSession();
    const host = new Host(limits, fake.session, () => true);
    const held = new HeldHandler();
    await host.serve(subscription(), held.handle);
    host.take('1-0', '1', record({ deadline: Date.now() + 50 }));
    await eventually(() => held.begun[0]?.signal.aborted === true);
    expect(held.begun[0]?.signal.reason).toMatchObject({ code: 'BERTH_SERVICE_TIMEOUT' });
    host.close();
  });

  it('gives back what it has not begun, and answers for what it has', async () => {
    const fake = fakeSession();
    const host = new Host(limits, fake.session, () => true);
    const held = new HeldHandler();
    const agent = await host.serve(subscription(), held.handle);
    host.take('1-0', '1', record());
    const stopped = agent.stop(1000);
    host.take('2-0', '1', record());
    expect(agent.state).toBe('stopped');
    held.answer();
    await stopped;
    expect(held.begun).toHaveLength(1);
    await eventually(() => fake.steps.flat().includes('D'));
    const steps = fake.steps.flat();
    const left = steps.indexOf('L');
    expect(steps.slice(left, left + 5)).toEqual(['L', 'w-1', '1', '1', '1-0']);
    host.close();
  });

  it('a join that is sent again joins nobody under a later name (its agent may have given up)', async () => {
    const fake = fakeSession();
    const host = new Host(redisBusLimits({ url: 'redis://nowhere', connectTimeoutMs: 20 }), fake.session, () => true);
    fake.silent = true;
    expect(await codeOf(host.serve(subscription(), new HeldHandler().handle))).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
    fake.pipeline.pause();
    fake.silent = false;
    fake.worker = 'w-2';
    host.startAgain();
    fake.pipeline.resume(0);
    await eventually(() => fake.steps.flat().includes('L'));
    const joins = fake.steps.filter(([op]) => op === 'J').map(([, name]) => name);
    expect(joins).toEqual(['w-1', 'w-1']);
    host.close();
  });

  it('a join that has waited for the broker is made once, under the name that counts', async () => {
    const fake = fakeSession();
    const host = new Host(limits, fake.session, () => true);
    fake.pipeline.pause();
    const agent = host.serve(subscription({ concurrency: 1 }), new HeldHandler().handle);
    fake.worker = 'w-2';
    host.startAgain();
    fake.pipeline.resume(0);
    expect((await agent).state).toBe('running');
    const flat = fake.steps.flat();
    expect(flat.filter((arg) => arg === 'J')).toHaveLength(1);
    expect(flat[flat.indexOf('J') + 1]).toBe('w-2');
    host.close();
  });

  it('serves only when it has joined under the name that counts', async () => {
    const fake = fakeSession();
    const host = new Host(limits, fake.session, () => true);
    let serving = false;
    fake.silent = true;
    const agent = host.serve(subscription(), new HeldHandler().handle).then(() => (serving = true));
    await eventually(() => fake.steps.length === 1);
    fake.pipeline.pause();
    fake.worker = 'w-2';
    host.startAgain();
    // The broker did the first one before it declared its worker dead.
    fake.pipeline.resume(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(serving).toBe(false);
    fake.pipeline.pause();
    fake.silent = false;
    fake.pipeline.resume(1);
    await agent;
    expect(fake.steps.map(([op, name]) => `${String(op)} ${String(name)}`)).toEqual(['J w-1', 'J w-2', 'J w-2']);
    host.close();
  });
});
