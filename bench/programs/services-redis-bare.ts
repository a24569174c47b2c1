/**
 * The plainest request and reply through a broker that is fast, and what one
 * command costs: `services-redis-bare.js worker|caller <url>`. Both ends push to
 * a list and block on another one, and take all that is there at once; the client
 * library sends what is pushed in one turn of the event loop together. There are
 * two workers: one answers all that it took with one command, the fastest form
 * there is, the other one each request with a command of its own.
 */
import { createClient } from '@redis/client';
import { closedLoop, type Load } from '../lib/closed-loop.js';
import { endWithParent, textArgument } from './lifeline.js';
import { answerQuestions } from './questions.js';

const BATCHED = 'bare:requests';
const SINGLE = 'bare:single-requests';
const REPLIES = 'bare:replies';
const AT_ONCE = '1000';

interface Question extends Load {
  readonly what: 'trip' | 'single' | 'ping';
}

/** The library's own timeouts cost an AbortSignal for each command. */
const newClient = () => createClient({ url: textArgument(1), commandOptions: { timeout: 0 } });
type RedisClient = ReturnType<typeof newClient>;

async function take(reader: RedisClient, list: string): Promise<string[]> {
  const popped = await reader.sendCommand(['BLMPOP', '0', '1', list, 'LEFT', 'COUNT', AT_ONCE]);
  return (popped as unknown as [string, string[]])[1];
}

async function answerTogether(): Promise<void> {
  for (;;) await writer.sendCommand(['RPUSH', REPLIES, ...(await take(reader, BATCHED))]);
}

async function answerEach(reader: RedisClient): Promise<void> {
  for (;;) await Promise.all((await take(reader, SINGLE)).map((id) => writer.sendCommand(['RPUSH', REPLIES, id])));
}

const waiting = new Map<string, () => void>();
let last = 0;

async function receive(): Promise<void> {
  for (;;) {
    for (const id of await take(reader, REPLIES)) {
      waiting.get(id)?.();
      waiting.delete(id);
    }
  }
}

async function trip(requests: string): Promise<void> {
  last += 1;
  const id = String(last);
  await new Promise<void>((resolve, reject) => {
    waiting.set(id, resolve);
    writer.sendCommand(['RPUSH', requests, id]).catch(reject);
  });
}

endWithParent();
const [reader, writer] = [await newClient().connect(), await newClient().connect()];
if (textArgument(0) === 'worker') {
  void answerTogether();
  void answerEach(await newClient().connect());
} else {
  void receive();
  answerQuestions(async ({ what, ...load }: Question) => {
    if (what === 'ping') return await closedLoop(load, async () => await writer.sendCommand(['PING']));
    const requests = what === 'trip' ? BATCHED : SINGLE;
    return await closedLoop(load, async () => await trip(requests));
  });
}
console.log('ready now');
