import { createHash } from 'node:crypto';
import { describeWithRedis, eventually } from '#testing';
import { encodeBody, laneOf } from './message.js';
import { redisBusLimits } from './options.js';
import { busScript } from './script.js';
import { ofObject, subscription } from '../../../testing/bus/lab.js';
import { type RedisLab, redisTest } from '../../../testing/redis/redis-lab.js';

const LIMITS = redisBusLimits({ url: 'redis://nowhere', workerTimeoutMs: 1000 });

/** A process that says what a test wants it to say. */
class Speaker {
  readonly #sha = createHash('sha1').update(busScript(LIMITS)).digest('hex');

  constructor(
    private readonly lab: RedisLab,
    readonly name: string,
  ) {}

  async hello(): Promise<this> {
    await this.lab.ask('SCRIPT', 'LOAD', busScript(LIMITS));
    await this.say('hello', this.name, this.name, '0', '0');
    return this;
  }

  say<T>(...args: string[]): Promise<T> {
    return this.lab.ask<T>('EVALSHA', this.#sha, '0', ...args);
  }

  batch(sequence: number, ...ops: string[]): Promise<string> {
    return this.say('batch', this.name, String(sequence), '', ...ops);
  }

  async beat(mayReap: boolean): Promise<string> {
    return (await this.say<[number, string, number]>('beat', this.name, this.name, '', mayReap ? '1' : '0'))[1];
  }

  work(): Promise<string[][]> {
    return this.lab.ask('XRANGE', `berth:work:${this.name}`, '-', '+');
  }
}

function sendOp(number: string): string[] {
  const call = ofObject('a');
  const { scope, target } = laneOf(call);
  return ['S', scope, target, '60000', number, String(encodeBody(call, 'at-most-once', 1))];
}

function joinOp(worker: string): string[] {
  const { service } = subscription();
  return ['J', worker, '1', `oprc/${service}/0`, '10', '', '0'];
}

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
    const replies = await lab.ask<[string, string[]][]>('XRANGE', 'berth:in:one', '-', '+');
    expect(replies.map(([, fields]) => fields.join(':'))).toEqual(['0:', '1:N']);
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
