import { describeWithRedis, eventually } from '@berth/testing';
import { answering, codeOf, HeldHandler, invocation, SERVICE, subscription } from '../../../testing/bus/lab.js';
import { redisTest } from '../../../testing/redis/redis-lab.js';

const STREAM = `berth:oprc/${SERVICE}/0:dead`;

describeWithRedis('dead letters of the RedisBus', () => {
  redisTest('one that cannot be read hides no other, and says what is known of it', async (lab) => {
    const bus = lab.bus();
    const agent = await bus.serve(subscription({ concurrency: 1 }), new HeldHandler().handle);
    const lost = invocation();
    const call = codeOf(bus.invoke(lost, { delivery: 'at-most-once' }));
    const work = await eventually(async () => (await lab.keys()).find((key) => key.startsWith('berth:work:')));
    await eventually(async () => (await lab.ask<number>('XLEN', work)) === 1);
    const key = `oprc/${SERVICE}/0/invokes/add`;
    const fields = ['reason', 'failed', 'attempts', '3', 'message', 'no'];
    const id = await lab.ask<string>('XADD', STREAM, '*', ...fields, 'record', `1,4,caller,1,1,5,${key}\n{no JSON\n`);
    const odd = await lab.ask<string>('XADD', STREAM, '*', ...fields, 'record', 'nonsense');
    await agent.stop(0);
    expect(await call).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    const letters = await bus.deadLetters(SERVICE, 0);
    expect(letters.map(({ id: found }) => found).slice(0, 2)).toEqual([id, odd]);
    expect(letters[0]).toMatchObject({ key, reason: 'failed', attempts: 3, delivery: 'at-least-once' });
    expect(letters[0]?.message).toContain('cannot be read');
    expect(letters[0]?.message).toContain(STREAM);
    expect(letters[1]).toMatchObject({ key: '', reason: 'failed', attempts: 3 });
    expect(letters[2]).toMatchObject({ reason: 'worker-lost', invocation: { id: lost.id } });
    expect(await bus.removeDeadLetter(SERVICE, 0, id)).toBe(true);
    expect(await bus.deadLetters(SERVICE, 0)).toHaveLength(2);
  });

  redisTest('a broker that refuses is not called away', async (lab) => {
    const bus = lab.bus();
    await bus.ready();
    await lab.ask('SET', STREAM, 'no stream');
    for (const asked of [bus.deadLetters(SERVICE, 0), bus.removeDeadLetter(SERVICE, 0, '1-1')])
      await expect(asked).rejects.toMatchObject({
        code: 'BERTH_SERVICE_BUS_UNAVAILABLE',
        message: expect.stringMatching(/the broker says 'WRONGTYPE/),
      });
  });

  redisTest('calls that are without a deadline for all practical purposes are answered', async (lab) => {
    const bus = lab.bus();
    await bus.serve(subscription(), answering('done'));
    for (const deadline of [Infinity, Number.MAX_SAFE_INTEGER]) {
      const { status } = await bus.invoke(invocation({ deadline }), { delivery: 'at-least-once' });
      expect(status).toBe(0);
    }
  });
});
