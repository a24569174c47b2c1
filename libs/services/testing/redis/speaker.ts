import { createHash } from 'node:crypto';
import type { Delivery } from '../../src/invocation/invocation.js';
import { encodeBody, laneOf } from '../../src/bus/redis/message.js';
import { redisBusLimits, type RedisBusOptions } from '../../src/bus/redis/options.js';
import { busScript } from '../../src/bus/redis/script.js';
import { invocation, ofObject, subscription } from '../bus/lab.js';
import type { RedisLab } from './redis-lab.js';

export type Work = readonly [id: string, fields: readonly [subscription: string, record: string]];

/** A process that says to the script what a test wants it to say. */
export class Speaker {
  readonly #script: string;
  readonly #sha: string;
  #sequence = 0;

  constructor(
    private readonly lab: RedisLab,
    readonly name: string,
    options: Partial<RedisBusOptions> = {},
  ) {
    this.#script = busScript(redisBusLimits({ url: 'redis://nowhere', workerTimeoutMs: 1000, ...options }));
    this.#sha = createHash('sha1').update(this.#script).digest('hex');
  }

  async hello(): Promise<this> {
    await this.lab.ask('SCRIPT', 'LOAD', this.#script);
    await this.say('hello', this.name, this.name, '0', '0');
    return this;
  }

  say<T>(...args: string[]): Promise<T> {
    return this.lab.ask<T>('EVALSHA', this.#sha, '0', ...args);
  }

  batch(sequence: number, ...ops: string[]): Promise<unknown> {
    return this.say('batch', this.name, String(sequence), '', '', ...ops);
  }

  /** The next batch. */
  next(...ops: string[]): Promise<unknown> {
    this.#sequence += 1;
    return this.batch(this.#sequence, ...ops);
  }

  async beat(mayReap: boolean): Promise<string> {
    return (await this.say<[number, string, number]>('beat', this.name, this.name, '', mayReap ? '1' : '0'))[1];
  }

  /** What it was given and has not answered. */
  work(): Promise<Work[]> {
    return this.lab.ask('XRANGE', `berth:work:${this.name}`, '-', '+');
  }

  /** `call:answer`, the first one is of its greeting. */
  async replies(): Promise<string[]> {
    return (await this.#inbox()).filter((reply) => !reply.startsWith('0:C'));
  }

  /** `caller,call` of the invocations that it may run and whose callers have left. */
  async left(): Promise<string[]> {
    return (await this.#inbox()).flatMap((reply) => (reply.startsWith('0:C') ? [reply.slice(3)] : []));
  }

  async #inbox(): Promise<string[]> {
    const entries = await this.lab.ask<[string, string[]][]>('XRANGE', `berth:in:${this.name}`, '-', '+');
    return entries.flatMap(([, fields]) =>
      fields.flatMap((number, i) => (i % 2 === 0 ? `${number}:${fields[i + 1] ?? ''}` : [])),
    );
  }
}

export interface SendPart {
  /** absent: a stateless method */
  readonly objectId?: string | undefined;
  readonly remaining?: string;
  readonly delivery?: Delivery;
}

export function sendOp(
  number: string,
  { objectId, remaining = '60000', delivery = 'at-most-once' }: SendPart = { objectId: 'a' },
): string[] {
  const call = objectId === undefined ? invocation() : ofObject(objectId);
  const { scope, target } = laneOf(call);
  return ['S', scope, target, remaining, number, String(encodeBody(call, delivery, 5))];
}

/** The caller of an invocation of object `a` has left. */
export function leftOp(number: string): string[] {
  const { scope, target } = laneOf(ofObject('a'));
  return ['C', number, '60000', scope, target];
}

export function joinOp(worker: string, concurrency = 10, methods: readonly string[] = []): string[] {
  const { service } = subscription();
  return ['J', worker, '1', `oprc/${service}/0`, String(concurrency), '', String(methods.length), ...methods];
}

/** The answer to the work of the speaker's first subscription. */
export function doneOp(worker: Speaker, [id, [number, record]]: Work): string[] {
  const [, , caller = '', call = '', , , key = ''] = (record.split('\n', 1)[0] ?? '').split(',');
  const [, scope, object, method] = /^(oprc\/[^/]+\/\d+)\/(?:objects\/([^/]+)\/)?invokes\/(.*)$/.exec(key) ?? [];
  const target = object === undefined ? `m${method ?? ''}` : `o${object}`;
  return ['D', worker.name, number, id, scope ?? '', target, caller, call, '', 'R0-\n'];
}
