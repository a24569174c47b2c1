/**
 * The plainest request and reply over core NATS: `services-nats-bare.js worker|caller <url>`. Asked for `publish`, the
 * caller writes values of a stream on disk, each against the sequence of the last one, as an object is saved.
 */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { closedLoop, type Load } from '../lib/closed-loop.js';
import { endWithParent, textArgument } from './lifeline.js';
import { answerQuestions } from './questions.js';

const SUBJECT = 'bare.requests';
const EMPTY = new Uint8Array(0);
const VALUE = Buffer.alloc(100, 'x');

interface Question extends Load {
  readonly what: 'request' | 'publish';
}

endWithParent();
const nats = await connect({ servers: textArgument(1), noAsyncTraces: true });
if (textArgument(0) === 'worker') {
  nats.subscribe(SUBJECT, { callback: (_error, message) => void message.respond(EMPTY) });
  await nats.flush();
} else {
  const { streams } = await jetstreamManager(nats);
  await streams.add({ name: 'BARE', subjects: ['bare.values.*'], max_msgs_per_subject: 1 });
  const stream = jetstream(nats);
  const last: number[] = [];
  const publish = async (lane: number): Promise<void> => {
    const expect = { lastSubjectSequence: last[lane] ?? 0 };
    last[lane] = (await stream.publish(`bare.values.${lane}`, VALUE, { expect })).seq;
  };
  const request = async (): Promise<unknown> => await nats.request(SUBJECT, EMPTY, { timeout: 30_000 });
  answerQuestions(
    async ({ what, ...load }: Question) => await closedLoop(load, what === 'publish' ? publish : request),
  );
}
console.log('ready now');
