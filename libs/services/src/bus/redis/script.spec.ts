import { describeWithRedis, eventually } from '@berth/testing';
import { redisTest } from '../../../testing/redis/redis-lab.js';
import { joinOp, sendOp, Speaker } from '../../../testing/redis/speaker.js';

describeWithRedis('the script of the Redis bus', () => {
  redisTest('does a batch once, whoever repeats it, and none before its turn', async (lab) => {
    const one = await new Speaker(lab, 'one').hello();
    expect(await one.batch(1, ...joinOp('one'))).toBe('DONE');
    expect(await one.batch(3, ...sendOp('9'))).toBe('GAP');
    expect(await one.work()).toHaveLength(0);
    for (let i = 0; i < 3; i += 1) expect(await one.batch(2, ...sendOp('1'))).toBe('DONE');
    expect(await one.work()).toHaveLength(1);
    expect(await lab.ask('LLEN', 'berth:oprc/shop.Counter/0/objects/a:queue')).toBe(0);
    expect(await new Speaker(lab, 'nobody').batch(1, ...sendOp('1'))).toBe('LOST');
  });

  redisTest('gives nothing to a worker that it does not know', async (lab) => {
    const one = await new Speaker(lab, 'one').hello();
    expect(await one.batch(1, ...joinOp('somebody'))).toBe('GONE');
    await one.batch(2, ...sendOp('1'));
    expect(await one.replies()).toEqual(['0:', '1:N']);
  });

  redisTest('declares dead who was silent twice, and only for one who may judge', async (lab) => {
    const one = await new Speaker(lab, 'one').hello();
    await one.batch(1, ...joinOp('one'), ...sendOp('1'));
    const judge = await new Speaker(lab, 'judge').hello();
    const score = (name: string): Promise<string | null> => lab.ask('ZSCORE', 'berth:workers', name);
    // As if the broker's clock had been put forward.
    await lab.ask('ZADD', 'berth:workers', '1', 'one');
    for (let i = 0; i < 5; i += 1) await judge.beat(false);
    expect(await score('one')).toBe('1');
    await judge.beat(true);
    expect(await score('one')).toMatch(/\.5$/);
    // It beats: it is not suspected any more.
    expect(await one.beat(false)).toBe('DONE');
    await judge.beat(true);
    expect(await score('one')).toMatch(/^\d{13}$/);
    await eventually(async () => {
      await judge.beat(true);
      return (await score('one')) === null;
    });
    expect(await one.beat(false)).toBe('GONE');
    expect(await one.work()).toHaveLength(0);
    expect(await score('judge')).toMatch(/^\d{13}$/);
  });
});
