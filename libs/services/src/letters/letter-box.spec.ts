import { jest } from '@jest/globals';
import type { Log } from '@berth/observability';
import { eventually } from '@berth/testing';
import { CarriedLab } from '../../testing/bus/carried-lab.js';
import { answering, gate, invocation, SERVICE, subscription } from '../../testing/bus/lab.js';
import { MemoryBus } from '../bus/memory-bus.js';
import { ServicesError } from '../errors.js';
import { type DeadLetter, deadLetterLimits, type DeadLetterStore } from './dead-letter.js';
import { MemoryDeadLetters } from './memory-letters.js';

const AT_LEAST_ONCE = { delivery: 'at-least-once' } as const;
const LOST = 'a dead letter is lost: it could not be kept';

/** A store that answers as the test says. */
function storeOf(part: Partial<DeadLetterStore>): DeadLetterStore {
  return Object.assign(new MemoryDeadLetters(deadLetterLimits()), part);
}

describe('the dead letters of a bus', () => {
  const full = new ServicesError('BERTH_SERVICE_STORE_UNAVAILABLE', 'no more room (10077)');

  const failingBus = async (deadLetters: DeadLetterStore, more: object = {}) => {
    const lines: unknown[][] = [];
    const write =
      (level: string) =>
      (...line: unknown[]): void =>
        void lines.push([level, ...line]);
    const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
    const bus = new MemoryBus({ deadLetters, log, ...more });
    const agent = await bus.serve(subscription({ concurrency: 100 }), () => Promise.reject(new Error('no')));
    return { bus, lines, agent };
  };

  it('a store that is full costs no call its answer: what is lost is told with its reason, a few times', async () => {
    const { bus, lines } = await failingBus(storeOf({ add: () => Promise.reject(full) }));
    const calls = Array.from({ length: 20 }, () => bus.invoke(invocation(), AT_LEAST_ONCE));
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(calls.map(() => 3));
    await new Promise((resolve) => setImmediate(resolve));
    const line = {
      key: `oprc/${SERVICE}/0/invokes/add`,
      reason: 'failed',
      message: 'no',
      because: 'no more room (10077)',
    };
    expect(lines).toEqual(Array.from({ length: 5 }, () => ['error', line, LOST]));
    await bus.close();
  });

  it('a store that does not answer holds up no call; letters and bytes that wait for it are bounded', async () => {
    for (const bounds of [{ deadLetterTotal: 3 }, { deadLetterTotalBytes: 35 }]) {
      const add = jest.fn((): Promise<void> => new Promise(() => undefined));
      const { bus, lines } = await failingBus(storeOf({ add }), bounds);
      for (let i = 0; i < 5; i += 1) await bus.invoke(invocation({ payload: Buffer.alloc(10) }), AT_LEAST_ONCE);
      expect(add).toHaveBeenCalledTimes(3);
      expect(lines.map(([, fields]) => fields)).toEqual(
        [1, 2].map(() => expect.objectContaining({ because: 'too many wait to be written' }) as unknown),
      );
      jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
      const closed = bus.close();
      await jest.advanceTimersByTimeAsync(1_000);
      await closed;
      jest.useRealTimers();
    }
  });

  it('a bus that is closed has written its letters', async () => {
    const written: string[] = [];
    const add = async ({ id }: { readonly id: string }): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      written.push(id);
    };
    const { bus } = await failingBus(storeOf({ add }));
    const call = invocation();
    await bus.invoke(call, AT_LEAST_ONCE);
    await bus.close();
    expect(written).toEqual([call.id]);
  });

  it('what comes of a retry is written by whoever retries, before it is told: a call that is completed has no letter', async () => {
    const kept = new MemoryDeadLetters(deadLetterLimits());
    const slow = gate();
    const add = async (letter: DeadLetter): Promise<void> => {
      if (letter.message !== 'first') await slow.opened;
      await kept.add(letter);
    };
    await using lab = new CarriedLab();
    const { bus: caller } = await lab.process({ deadLetters: kept });
    const { bus: agent } = await lab.process({ deadLetters: storeOf({ add }) });
    const ends = ['first', 'second'];
    await agent.serve(subscription(), (delivery) => {
      const message = ends.shift();
      return message === undefined ? answering('done')(delivery) : Promise.reject(new Error(message));
    });
    const call = invocation();
    const retry = () => caller.retryDeadLetter(SERVICE, 0, call.id);
    await caller.invoke(call, AT_LEAST_ONCE);
    await eventually(async () => (await caller.deadLetters(SERVICE, 0)).length === 1);
    expect(await retry()).toMatchObject({ status: 3 });
    expect(await caller.deadLetters(SERVICE, 0)).toMatchObject([{ reason: 'failed', message: 'second', attempts: 2 }]);
    expect(await retry()).toMatchObject({ status: 0 });
    slow.open();
    await agent.close();
    expect(await kept.list(SERVICE, 0, Infinity)).toEqual([]);
  });

  it('long texts of errors are cut', async () => {
    const bus = new MemoryBus();
    await bus.serve(subscription(), () => Promise.reject(new Error('x'.repeat(100_000))));
    await bus.invoke(invocation(), AT_LEAST_ONCE);
    const [letter] = await bus.deadLetters(SERVICE, 0);
    expect(letter?.message?.length).toBeLessThan(10_000);
    await bus.close();
  });

  it('one that was carried out and cannot be removed is told of, and its reply is there', async () => {
    const { bus, lines, agent } = await failingBus(storeOf({ remove: () => Promise.reject(full) }));
    const call = invocation();
    await bus.invoke(call, AT_LEAST_ONCE);
    await agent.stop(0);
    await bus.serve(subscription(), answering('done'));
    expect(await bus.retryDeadLetter(SERVICE, 0, call.id)).toMatchObject({ status: 0 });
    expect(lines).toEqual([['error', expect.anything(), 'a dead letter was carried out, and could not be removed']]);
    expect(await bus.deadLetters(SERVICE, 0)).toHaveLength(1);
    await bus.close();
  });
});
