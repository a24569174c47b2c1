import { describeWithRedis } from '@berth/testing';
import { SERVICE } from '../../../testing/bus/lab.js';
import { redisTest } from '../../../testing/redis/redis-lab.js';
import { doneOp, joinOp, sendOp, Speaker } from '../../../testing/redis/speaker.js';

describeWithRedis('the script of the Redis bus: what it cannot do', () => {
  redisTest('a deadline of any size leaves the rest of its batch alone', async (lab) => {
    const one = await new Speaker(lab, 'one').hello();
    await one.next(...joinOp('one', 1), ...sendOp('1'));
    const far = ['9007199254740991', 'Infinity', '1e300', '90.5'];
    await one.next(
      ...far.flatMap((remaining, i) => sendOp(`${i + 2}`, { objectId: 'a', remaining })),
      ...sendOp('8', { objectId: 'a', remaining: 'NaN' }),
      ...sendOp('9'),
    );
    expect(await one.replies()).toEqual(['0:', '8:T']);
    const queue = await lab.ask<string[]>('LRANGE', `berth:oprc/${SERVICE}/0/objects/a:queue`, '0', '-1');
    // The name of the queue does not stay for as long as its calls may wait.
    const swept = Number(await lab.ask('ZSCORE', 'berth:queued', `oprc/${SERVICE}/0/objects/a`));
    expect(swept).toBeLessThanOrEqual(Date.now() + 3_600_000 + 1_000);
    expect(queue.map((record) => /^\d{13},1,one,(\d),/.exec(record)?.[1])).toEqual(['2', '3', '4', '5', '9']);
  });

  redisTest('a step that fails is named, and the others of its batch are done', async (lab) => {
    const one = await new Speaker(lab, 'one').hello();
    await one.next(...joinOp('one', 5));
    await lab.ask('SET', `berth:oprc/${SERVICE}/0/objects/b:queue`, 'no list');
    await lab.ask('HSET', `berth:oprc/${SERVICE}/0:busy`, 'b', 'R');
    const unreadable = [...sendOp('3').slice(0, 5), 'no record'];
    const answer = await one.next(
      'P',
      ...sendOp('1'),
      ...sendOp('2', { objectId: 'b' }),
      ...unreadable,
      ...sendOp('4'),
    );
    expect(answer).toEqual(['DONE', 2, expect.stringContaining('WRONGTYPE'), 3, expect.stringContaining('no key')]);
    expect(await one.work()).toHaveLength(1);
    expect(await lab.ask('LLEN', `berth:oprc/${SERVICE}/0/objects/a:queue`)).toBe(1);
    expect(await one.next(...sendOp('5', { objectId: 'c' }))).toBe('DONE');
    expect(await one.work()).toHaveLength(2);
  });

  redisTest(
    'replies of one batch are one entry for each caller; an inbox that cannot be written harms no other',
    async (lab) => {
      const one = await new Speaker(lab, 'one').hello();
      const two = await new Speaker(lab, 'two').hello();
      const three = await new Speaker(lab, 'three').hello();
      await one.next(...joinOp('one', 100));
      for (const caller of [two, three]) {
        const sends = Array.from({ length: 40 }, (_, i) => sendOp(`${i + 1}`, { objectId: `${caller.name}-${i + 1}` }));
        await caller.next(...sends.flat());
      }
      const done = (await one.work()).map(([id, [number, record]]) => {
        const [, , caller = '', call = ''] = record.split(',');
        return ['D', 'one', number, id, `oprc/${SERVICE}/0`, `o${caller}-${call}`, caller, call, '', `R0-${call}`];
      });
      expect(done).toHaveLength(80);
      await lab.ask('SET', 'berth:in:three', 'no stream');
      const answer = await one.next(...done.flat());
      expect(answer).toEqual(['DONE', 80, expect.stringContaining('WRONGTYPE')]);
      expect(await two.replies()).toEqual(['0:', ...Array.from({ length: 40 }, (_, i) => `${i + 1}:R0-${i + 1}`)]);
      expect(await lab.ask('XLEN', 'berth:in:two')).toBe(2);
      expect(await one.work()).toEqual([]);
    },
  );

  redisTest('replies that no inbox takes keep no step from freeing agent and object', async (lab) => {
    const one = await new Speaker(lab, 'one').hello();
    const two = await new Speaker(lab, 'two').hello();
    await one.next(...joinOp('one', 1000));
    const sends = Array.from({ length: 600 }, (_, i) => sendOp(`${i + 1}`, { objectId: `x-${i + 1}` }));
    await two.next(...sends.flat());
    await lab.ask('DEL', 'berth:in:two');
    await lab.ask('SET', 'berth:in:two', 'no stream');
    // More than are written to an inbox at once.
    const answer = await one.next(...(await one.work()).flatMap((work) => doneOp(one, work)));
    expect(answer).toEqual(['DONE', 600, expect.stringContaining('WRONGTYPE')]);
    expect(await lab.ask('HGET', 'berth:free', 'one/1')).toBe('1000');
    expect(await lab.ask('HLEN', `berth:oprc/${SERVICE}/0:busy`)).toBe(0);
  });

  redisTest('a batch that was on its way for too long is refused, and may be sent again', async (lab) => {
    const one = await new Speaker(lab, 'one').hello();
    await one.next(...joinOp('one', 10));
    const [seconds] = await lab.ask<string[]>('TIME');
    const sentAgo = (ms: number): string => String(Number(seconds) * 1000 - ms);
    // workerTimeoutMs is 1000.
    const long = await one.say(
      'batch',
      'one',
      '2',
      '',
      sentAgo(20_000),
      ...sendOp('1', { objectId: 'a', remaining: '60000' }),
    );
    expect(long).toBe('DONE');
    await one.say('batch', 'one', '3', '', sentAgo(300), ...sendOp('2', { objectId: 'b', remaining: '200' }));
    await one.say('batch', 'one', '4', '', sentAgo(400_000), ...sendOp('3', { objectId: 'b', remaining: '200' }));
    expect(await one.replies()).toEqual(['0:', '1:A', '2:A', '3:A']);
    expect(await one.work()).toEqual([]);
    await one.say('batch', 'one', '5', '', sentAgo(-5_000), ...sendOp('1', { objectId: 'a', remaining: '60000' }));
    expect(await one.work()).toHaveLength(1);
  });

  redisTest('records that cannot be read keep no beat from its work', async (lab) => {
    const one = await new Speaker(lab, 'one').hello();
    await one.next(...joinOp('one', 1), ...sendOp('1'), ...sendOp('2', { objectId: 'a', remaining: '1' }));
    const lanes = ['x', 'y'].map((object) => `oprc/${SERVICE}/0/objects/${object}`);
    for (const lane of lanes) await lab.ask('ZADD', 'berth:queued', '1', lane);
    await lab.ask('RPUSH', `berth:${lanes[0] ?? ''}:queue`, '9.0e+15,1,one,7,0,1,no key');
    await lab.ask('SET', `berth:${lanes[1] ?? ''}:queue`, 'no list');
    await lab.ask('BLPOP', 'nothing', '0.01');
    expect(await one.beat(false)).toBe('DONE');
    expect(await one.replies()).toEqual(['0:', '2:T']);
    expect(await lab.ask('ZCARD', 'berth:queued')).toBe(0);
    // A worker that died with one of them.
    await lab.ask('XADD', 'berth:work:dead', '*', '1', '9.0e+15,1,one,8,0,1,no key');
    await lab.ask('ZADD', 'berth:workers', '1.5', 'dead');
    await one.beat(true);
    expect(await lab.ask('EXISTS', 'berth:work:dead')).toBe(0);
  });
});
