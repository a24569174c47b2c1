/** Caller and agent in one process, over the bus of this process. */
import { client, Services } from 'berth-services';
import { closedLoop, type Load } from '../lib/closed-loop.js';
import { endWithParent } from './lifeline.js';
import { answerQuestions } from './questions.js';
import { Empty } from './services-classes.js';

endWithParent();
const services = new Services({ services: [Empty] });
await services.startAgent(Empty);
const empty = client(Empty, { services });
answerQuestions(async (load: Load) => await closedLoop(load, async () => await empty.carried()));
console.log('ready now');
