/**
 * The services behind the replicas of an agent, each on a port of its own: `replica-origin.js <services>`. An answer
 * names its service. Takes questions: see `OriginQuestion`.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { endWithParent, numberArgument } from './lifeline.js';
import { answerQuestions } from './questions.js';

/** Each question sets the delay of each service, when given, and asks for what they did since the last one. */
export interface OriginQuestion {
  /** until each service answers, ms; 0: at once */
  readonly delaysMs?: readonly number[];
}

export interface OriginAnswer {
  /** requests of each service */
  readonly asked: readonly number[];
  /** POSTs that came more than once, since the start */
  readonly doubled: number;
}

const count = numberArgument(0);
const delaysMs: number[] = Array.from({ length: count }, () => 0);
const asked: number[] = Array.from({ length: count }, () => 0);
const posts = new Map<string, number>();

function serve(index: number, req: IncomingMessage, res: ServerResponse): void {
  asked[index] = (asked[index] ?? 0) + 1;
  const { method, url = '' } = req;
  if (method === 'POST') posts.set(url, (posts.get(url) ?? 0) + 1);
  res.on('error', () => undefined);
  const answer = (): void => void res.end(`${index} ${url}`);
  req.resume().once('end', () => {
    const delayMs = delaysMs[index] ?? 0;
    if (delayMs === 0) answer();
    else setTimeout(answer, delayMs);
  });
}

async function listen(index: number): Promise<number> {
  const server: Server = createServer((req, res) => serve(index, req, res));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

endWithParent();
const ports = await Promise.all(delaysMs.map((_, index) => listen(index)));
answerQuestions(async ({ delaysMs: wanted }: OriginQuestion) => {
  const doubled = [...posts.values()].filter((times) => times > 1).length;
  const answer: OriginAnswer = { asked: [...asked], doubled };
  asked.fill(0);
  for (const [index, ms] of (wanted ?? []).entries()) delaysMs[index] = ms;
  return await Promise.resolve(answer);
});
console.log(`ports ${ports.join(',')}`);
