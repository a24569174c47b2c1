/** Calls agents through a broker: `services-bus-caller.js <url>`; asked for `carried` or `object`. */
import { client } from 'berth-services';
import { openBus } from './brokers.js';
import { closedLoop, type Load } from '../lib/closed-loop.js';
import { endWithParent, textArgument } from './lifeline.js';
import { answerQuestions } from './questions.js';
import { Counter, Empty } from './services-classes.js';

interface Question extends Load {
  readonly what: 'carried' | 'object';
}

endWithParent();
const bus = await openBus(textArgument(0));
const empty = client(Empty, { bus });
const counters = client(Counter, { bus });

/** Calls of one object take turns: each lane has its own. */
const objectOf = (lane: number): { carriedAdd: (by: number) => Promise<number> } => counters.object(`counter-${lane}`);

answerQuestions(async ({ what, ...load }: Question) => {
  if (what === 'carried') return await closedLoop(load, async () => await empty.carried());
  const objects = Array.from({ length: load.inFlight }, (_, lane) => objectOf(lane));
  return await closedLoop(load, async (lane) => await objects[lane]?.carriedAdd(1));
});
console.log('ready now');
