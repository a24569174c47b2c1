import { describeWithRedis } from '@berth/testing';
import { SERVICE } from '../../../testing/bus/lab.js';
import { redisTest } from '../../../testing/redis/redis-lab.js';
import { doneOp, joinOp, leftOp, sendOp, Speaker, type Work } from '../../../testing/redis/speaker.js';

describeWithRedis('the script of the Redis bus: who takes what', () => {
  redisTest('an agent of objects and methods takes both by turns, however its batches fall', async (lab) => {
    const one = await new Speaker(lab, 'one').hello();
    await one.next(...joinOp('one', 1, ['add']), ...sendOp('0', { objectId: 'gate' }));
    for (let i = 1; i <= 25; i += 1)
      await one.next(...sendOp(`${i}`, { objectId: `o-${i}` }), ...sendOp(`${i + 100}`, {}));
    const order: string[] = [];
    for (;;) {
      const [work] = await one.work();
      if (work === undefined) break;
      order.push(work[1][1].includes('/objects/') ? 'o' : 'm');
      // Its answers are all in batches with an even number, or all in odd ones.
      await one.next(...doneOp(one, work));
      await one.next('P');
    }
    expect(order).toHaveLength(51);
    expect(order.slice(1, 26)).toEqual(expect.arrayContaining(['o', 'm']));
  });

  redisTest('an agent that joins twice keeps its bound', async (lab) => {
    const one = await new Speaker(lab, 'one').hello();
    await one.next(...joinOp('one', 2), ...sendOp('1', { objectId: 'a' }));
    await one.next(...joinOp('one', 2));
    expect(await lab.ask('HGET', 'berth:free', 'one/1')).toBe('1');
    await one.next(...sendOp('2', { objectId: 'b' }), ...sendOp('3', { objectId: 'c' }));
    expect(await one.work()).toHaveLength(2);
  });

  redisTest('what an agent could not read takes no place of it', async (lab) => {
    const one = await new Speaker(lab, 'one').hello();
    await one.next(...joinOp('one', 2, ['add']), ...sendOp('1', {}), ...sendOp('2', {}), ...sendOp('3', {}));
    const ids = (await one.work()).map(([id]) => id);
    expect(ids).toHaveLength(2);
    await one.next('X', 'one', '2', ...ids);
    expect(await one.work()).toHaveLength(1);
    expect(await lab.ask('HGET', 'berth:free', 'one/1')).toBe('1');
    expect(await one.replies()).toEqual(['0:', '2:L1', '1:L1']);
    const [work] = await one.work();
    await one.next(...doneOp(one, work as Work));
    expect(await lab.ask('HGET', 'berth:free', 'one/1')).toBe('2');
  });

  redisTest(
    'B14: callers that have left, and calls that are late, take no place in the queue of an object',
    async (lab) => {
      const one = await new Speaker(lab, 'one', { maxQueuedPerObject: 3 }).hello();
      await one.next(...joinOp('one', 1), ...sendOp('running'.length.toString()));
      const queue = `berth:oprc/${SERVICE}/0/objects/a:queue`;
      await one.next(...['11', '12', '13'].flatMap((number) => sendOp(number)), ...sendOp('14'));
      expect(await one.replies()).toEqual(['0:', '14:B']);
      // From the end of the queue, past the new one.
      await one.next(...leftOp('12'), ...leftOp('13'));
      await one.next(...sendOp('15'));
      expect(await lab.ask('LLEN', queue)).toBe(2);
      expect(await one.left()).toEqual(['one,12', 'one,13']);
      // From its head.
      await one.next(...leftOp('11'), ...sendOp('16'), ...sendOp('17'));
      expect(await lab.ask('LLEN', queue)).toBe(3);
      await one.next(...sendOp('18'));
      expect(await one.replies()).toEqual(['0:', '14:B', '18:B']);
      const numbers = (await lab.ask<string[]>('LRANGE', queue, '0', '-1')).map((record) => record.split(',')[3]);
      expect(numbers).toEqual(['15', '16', '17']);
    },
  );

  redisTest('what a caller took along is no dead letter when its deadline has passed', async (lab) => {
    const one = await new Speaker(lab, 'one').hello();
    await one.next(...joinOp('one', 1), ...sendOp('1'));
    const late = { objectId: 'a', remaining: '20', delivery: 'at-least-once' } as const;
    await one.next(...sendOp('2', late), ...sendOp('3', late), ...leftOp('2'));
    // By the broker's clock.
    await lab.ask('BLPOP', 'nothing', '0.03');
    await one.beat(false);
    expect(await one.replies()).toEqual(['0:', '3:T']);
    expect(await lab.ask('XLEN', `berth:oprc/${SERVICE}/0:dead`)).toBe(1);
  });

  redisTest('an agent that has left is told who leaves until what it had begun has ended', async (lab) => {
    const one = await new Speaker(lab, 'one').hello();
    const two = await new Speaker(lab, 'two').hello();
    await one.next(...joinOp('one', 10, ['add']));
    await two.next(...sendOp('1'), ...sendOp('2', {}));
    const work = await one.work();
    const ids = work.map(([id]) => id);
    const leaving = async (): Promise<string[]> => (await lab.keys()).filter((key) => key.includes('leaving'));
    await one.next('L', 'one', '1', '2', ...ids);
    await two.next(...leftOp('1'));
    expect(await one.left()).toEqual(['two,1']);
    expect(await leaving()).toHaveLength(2);
    await one.next(...work.flatMap((entry) => doneOp(one, entry)), 'L', 'one', '1', '0');
    await two.next(...leftOp('2'));
    expect(await one.left()).toEqual(['two,1']);
    expect(await leaving()).toEqual([]);
    expect(await lab.ask('EXISTS', 'berth:w:one')).toBe(0);
    // One that dies meanwhile leaves nothing either.
    await one.next(...joinOp('one', 10), ...sendOp('3'));
    await one.next('L', 'one', '1', '1', ...(await one.work()).map(([id]) => id));
    expect(await leaving()).toHaveLength(1);
    await two.next('R', 'one');
    expect(await leaving()).toEqual([]);
    expect(await lab.ask('EXISTS', 'berth:w:one')).toBe(0);
  });
});
