/** Starts and stops servers of agents, and prints what it took: `port-servers.js <rounds> <count>`. */
import { readdirSync } from 'node:fs';
import { AgentHttpServerFactory, type AgentTraffic, type PooledHttpServer } from '@berth/http-server-pool';
import { median, quantile } from '../lib/numbers.js';
import { endWithParent, numberArgument } from './lifeline.js';

const nothing = (): undefined => undefined;
const traffic: AgentTraffic = {
  request: (_, response) => response.end(),
  passed: nothing,
  upgrades: () => false,
  upgrade: nothing,
  connection: nothing,
  clientError: nothing,
  middlewareFailed: nothing,
};

const factory = new AgentHttpServerFactory({
  maxHeaderBytes: 16_384,
  headersTimeoutMs: 60_000,
  keepAliveTimeoutMs: 5000,
  maxConnections: 1000,
});
const create = (): PooledHttpServer => factory.create('bench', { host: '127.0.0.1', port: 0 }, traffic);
const descriptors = (): number => readdirSync('/proc/self/fd').length;

async function timed(act: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await act();
  return performance.now() - from;
}

endWithParent();
const rounds = numberArgument(0);
const count = numberArgument(1);
const starts: number[] = [];
const stops: number[] = [];
for (let i = 0; i < rounds; i += 1) {
  let server: PooledHttpServer | undefined;
  // What is made belongs to the start of an agent's server.
  starts.push(await timed(async () => await (server = create()).start()));
  stops.push(await timed(async () => await server?.stop()));
}

const before = descriptors();
const all = Array.from({ length: count }, create);
const upMs = await timed(async () => await Promise.all(all.map((server) => server.start())));
const open = descriptors();
const downMs = await timed(async () => await Promise.all(all.map((server) => server.stop())));
// Handles that were closed leave in the next turn.
await new Promise((resolve) => setImmediate(resolve));
const of = (times: readonly number[]): object => ({ medianMs: median(times), p99Ms: quantile(times, 0.99) });
console.log(JSON.stringify({ start: of(starts), stop: of(stops), before, open, after: descriptors(), upMs, downMs }));
process.exit(0);
