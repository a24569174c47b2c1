/**
 * Agents of all classes for a broker: `services-bus-worker.js <url> <file> [memory]`, the last
 * one for objects in memory.
 * Asked, it writes the runs of `Ledger.mark` to the file and says how many they were.
 */
import { writeFileSync } from 'node:fs';
import { Services } from 'berth-services';
import { openBoth } from './brokers.js';
import { endWithParent, textArgument } from './lifeline.js';
import { answerQuestions } from './questions.js';
import { Counter, Empty, Ledger, marked } from './services-classes.js';

/** As many as the callers have under way, so that no call waits for a turn that is there. */
const CONCURRENCY = 256;

const url = textArgument(0);
const file = textArgument(1);

endWithParent();
const { bus, store } = await openBoth(url, process.argv[4] ?? url);
const classes = [Empty, Counter, Ledger];
const services = new Services({ services: classes, bus, store, agentConcurrency: CONCURRENCY });
for (const service of classes) await services.startAgent(service);
answerQuestions(() => {
  writeFileSync(file, JSON.stringify(marked));
  return Promise.resolve({ runs: marked.length });
});
console.log('ready now');
