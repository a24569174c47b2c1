import { eventually } from '#testing';
import { HeldHandler, ofObject, subscription } from '../../../testing/bus/lab.js';
import { Host } from './host.js';
import { encodeBody } from './message.js';
import { redisBusLimits } from './options.js';
import { type Args, Pipeline } from './pipeline.js';
import type { Session } from './session.js';

/** A session without a broker: what is pushed is accepted at once. */
function fakeSession(): { session: Session; steps: Args[]; alive: boolean; worker: string } {
  const steps: Args[] = [];
  const pipeline = new Pipeline({
    submit: (_sequence, args) => {
      steps.push(args);
      return Promise.resolve('DONE');
    },
    answered: () => undefined,
    failed: () => undefined,
  });
  pipeline.resume(0);
  const fake = {
    steps,
    pipeline,
    alive: true,
    worker: 'w-1',
    clockOffsetMs: 0,
    settled: () => Promise.resolve(),
  };
  return Object.assign(fake, { session: fake as unknown as Session });
}

function record(part: { deadline?: number } = {}): Buffer {
  const body = encodeBody(ofObject('a'), 'at-least-once', 5);
  return Buffer.concat([Buffer.from(`${part.deadline ?? Date.now() + 10_000},1,caller,1,`), Buffer.from(body)]);
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
    const held = new HeldHandler();
    await host.serve(subscription(), held.handle);
    host.take('1-0', '1', record({ deadline: Date.now() - 1 }));
    await eventually(() => fake.steps.some((args) => args[0] === 'D' && args[8] === 'expired'));
    expect(held.begun).toHaveLength(0);
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
});
