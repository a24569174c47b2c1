/**
 * Activates objects in memory and prints what they take: `services-objects.js
 * <count> <kept active>`, with `--expose-gc`. What is there for any number of
 * objects, code included, is there before the first measurement.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { client, Services } from 'berth-services';
import { rssBytes } from '../lib/proc-stats.js';
import { endWithParent, numberArgument } from './lifeline.js';
import { Counter } from './services-classes.js';

const WARM_OBJECTS = 100;
const AT_ONCE = 100;

const count = numberArgument(0);
const kept = numberArgument(1);
const services = new Services({ mock: true, services: [Counter], maxActiveObjects: kept });
const counters = client(Counter, { services });

async function callAll(calls: number, idOf: (call: number) => string): Promise<void> {
  for (let first = 0; first < calls; first += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => counters.object(idOf(first + i)).add(1)));
  }
}

interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
}

/** Collections in a row, with time between them for what the collector hands to other threads. */
async function memory(): Promise<Memory> {
  if (gc === undefined) throw new Error('needs --expose-gc');
  for (let i = 0; i < 4; i += 1) {
    await gc({ type: 'major', execution: 'async' });
    await sleep(100);
  }
  return { rss: rssBytes(process.pid), heapUsed: process.memoryUsage().heapUsed };
}

endWithParent();
await services.startServer();
await callAll(count, (call) => `warm-${call % WARM_OBJECTS}`);
const before = await memory();
await callAll(count, (call) => `object-${call}`);
const after = await memory();
console.log(JSON.stringify({ before, after, active: services.activeObjects }));
await services.close();
process.exit(0);
