import { setTimeout as sleep } from 'node:timers/promises';
import { describeWithRedis, eventually, RedisServer } from '@berth/testing';
import { MemoryBus } from '../bus/memory-bus.js';
import { client } from '../client/client.js';
import { Getter, Method, State } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { Services } from '../runtime/services.js';
import { RedisStore } from './redis-store.js';

@Service('Ledger', { package: 'outage' })
class Ledger {
  @Getter() @State() entries: number = 0;

  @Method({ serveWithAgent: true }) once(): number {
    this.entries += 1;
    return this.entries;
  }
  @Method({ serveWithAgent: true, delivery: 'at-least-once' }) surely(): number {
    this.entries += 1;
    return this.entries;
  }
  @Method({ serveWithAgent: true, delivery: 'at-least-once', stateless: true }) echo(text: string): string {
    return text;
  }
}

const OBJECTS = 10;
/** Far longer than broker and machine need. */
const TIMEOUT_MS = 25_000;

describeWithRedis('objects while their store is away', () => {
  it('for longer than operationTimeoutMs, under load: no call fails, none takes effect twice, nothing is a dead letter', async () => {
    await using server = await RedisServer.start();
    const bus = new MemoryBus();
    const store = await RedisStore.open({ url: server.url, operationTimeoutMs: 300 });
    const services = new Services({ services: [Ledger], bus, store });
    await services.startAgent(Ledger);
    const callers = client(Ledger, { bus, timeoutMs: TIMEOUT_MS });
    let going = true;
    let answered = 0;
    let entered = 0;
    const failures: unknown[] = [];
    const line = async (n: number): Promise<void> => {
      const ledger = callers.object(`ledger-${n % OBJECTS}`, { timeoutMs: TIMEOUT_MS });
      for (let i = 0; going; i += 1) {
        try {
          if (i % 3 === 2) await callers.echo(`${n}:${i}`);
          else {
            await (i % 3 === 0 ? ledger.once() : ledger.surely());
            entered += 1;
          }
          answered += 1;
        } catch (thrown) {
          failures.push(thrown);
        }
      }
    };
    const lines = Array.from({ length: 3 * OBJECTS }, (_, n) => line(n));
    try {
      for (const stop of [() => server.stop(), () => server.kill()]) {
        const before = answered;
        await eventually(() => answered > before + 300, 15_000);
        await stop();
        await eventually(() => store.health().state === 'down');
        // Not for something to happen, but for the store's own limit to pass several times.
        await sleep(1_500);
        await server.start();
      }
      const after = answered;
      await eventually(() => answered > after + 300, 15_000);
    } finally {
      going = false;
      await Promise.all(lines);
    }
    expect(failures).toEqual([]);
    let kept = 0;
    for (let n = 0; n < OBJECTS; n += 1) {
      const { state } = await store.load({ service: 'outage.Ledger', partition: 0, objectId: `ledger-${n}` });
      kept += (JSON.parse(state ?? '{}') as Partial<Ledger>).entries ?? 0;
    }
    expect(kept).toBe(entered);
    expect(await bus.deadLetters('outage.Ledger', 0)).toEqual([]);
    await callers.close();
    await services.close();
    await store.close();
    await bus.close();
  }, 60_000);
});
