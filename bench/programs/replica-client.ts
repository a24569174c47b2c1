/**
 * Clients of one port: `replica-client.js <port>`. Takes questions: begin a load, and end it. Each client keeps one
 * connection and sends GET and POST at random, each with a path of its own that the answer must name.
 */
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

import { Latencies } from '../lib/latencies.js';
import { monotonicMs } from '../lib/numbers.js';
import { endWithParent, numberArgument } from './lifeline.js';
import { answerQuestions } from './questions.js';

/** `clients` begins a load with so many; 0 ends it. */
export interface ClientQuestion {
  readonly clients: number;
  /** ends the load by itself after so long */
  readonly seconds?: number;
}

export interface FailedRequest {
  readonly method: string;
  /** `502 BERTH_AGENT_LOST`, or the code of the connection's error */
  readonly what: string;
  /** ms of the machine's monotonic clock */
  readonly beganAt: number;
  readonly endedAt: number;
}

/** What came of a load. */
export interface ClientAnswer {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: number;
  /** the first of them */
  readonly failed: readonly FailedRequest[];
}

const SHOWN = 60;

const port = numberArgument(0);
let sent = 0;
let over = false;
let running: Promise<ClientAnswer> | undefined;

async function load(clients: number): Promise<ClientAnswer> {
  const latencies = new Latencies();
  const failed: FailedRequest[] = [];
  const beganAt = monotonicMs();
  const run = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!over) {
      sent += 1;
      // In turn would not do: who picks replicas in turn would give all POSTs to one.
      const method = Math.random() < 0.5 ? 'GET' : 'POST';
      const from = monotonicMs();
      const what = await ask(agent, method, `/${process.pid}/${sent}`);
      const to = monotonicMs();
      if (what === undefined) latencies.add((to - from) * 1000);
      else failed.push({ method, what, beganAt: from, endedAt: to });
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: clients }, run));
  return {
    requests: latencies.count + failed.length,
    requestsPerSecond: (latencies.count / (monotonicMs() - beganAt)) * 1000,
    p50Ms: latencies.quantile(0.5) / 1000,
    p99Ms: latencies.quantile(0.99) / 1000,
    failures: failed.length,
    failed: failed.slice(0, SHOWN),
  };
}

/** @returns what went wrong */
async function ask(agent: Agent, method: string, path: string): Promise<string | undefined> {
  try {
    const req = request({ host: '127.0.0.1', port, agent, method, path });
    req.end(method === 'POST' ? 'body' : undefined);
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    const said = await text(res);
    if (res.statusCode === 200) return said.endsWith(` ${path}`) ? undefined : `answer of another: ${said}`;
    return `${res.statusCode} ${/"code":"(\w+)"/.exec(said)?.[1] ?? said}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

endWithParent();
answerQuestions(async ({ clients, seconds }: ClientQuestion) => {
  if (clients === 0) {
    over = true;
    return (await running) ?? {};
  }
  over = false;
  running = load(clients);
  if (seconds === undefined) return {};
  setTimeout(() => (over = true), seconds * 1000);
  return await running;
});
console.log('ready now');
