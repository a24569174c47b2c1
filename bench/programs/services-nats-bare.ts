/** The plainest request and reply over core NATS: `services-nats-bare.js worker|caller <url>`. */
import { connect } from '@nats-io/transport-node';
import { closedLoop, type Load } from '../lib/closed-loop.js';
import { endWithParent, textArgument } from './lifeline.js';
import { answerQuestions } from './questions.js';

const SUBJECT = 'bare.requests';
const EMPTY = new Uint8Array(0);

endWithParent();
const nats = await connect({ servers: textArgument(1), noAsyncTraces: true });
if (textArgument(0) === 'worker') {
  nats.subscribe(SUBJECT, { callback: (_error, message) => void message.respond(EMPTY) });
  await nats.flush();
} else {
  answerQuestions(async (load: Load) => {
    return await closedLoop(load, async () => await nats.request(SUBJECT, EMPTY, { timeout: 30_000 }));
  });
}
console.log('ready now');
