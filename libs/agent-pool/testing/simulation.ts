import { AgentPool } from '../src/agent-pool.js';
import type { StrategyName } from '../src/strategies/index.js';
import { type FakeConnection, fakeReplica } from './fake-connection.js';

/** Numbers 0 … 1 that are the same in each run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export interface Load {
  strategy: StrategyName;
  /** mean time to the answer of each replica, ms; Infinity: it stands still */
  serviceMs: readonly number[];
  /** clients that ask again as soon as they are answered */
  clients: number;
  requests: number;
  seed?: number;
}

export interface Outcome {
  /** requests that each replica was given */
  shares: number[];
  /** most exchanges that each had at once */
  peaks: number[];
  /** of those that were answered, ms, ascending */
  latencies: number[];
}

/** Clients in a closed loop over replicas of one agent, one connection each, with a clock of its own. */
export function simulate({ strategy, serviceMs, clients, requests, seed = 1 }: Load): Outcome {
  const random = seeded(seed);
  let now = 0;
  const pool = new AgentPool<FakeConnection>('agent', { strategy, slowStartMs: 0, now: () => now, random });
  const replicas = serviceMs.map((_, index) => fakeReplica(String(index), { capacity: Infinity }));
  for (const replica of replicas) pool.add(replica);
  const outcome: Outcome = { shares: serviceMs.map(() => 0), peaks: serviceMs.map(() => 0), latencies: [] };
  const pending: { at: number; began: number; replica: FakeConnection }[] = [];
  let asked = 0;
  const ask = (): void => {
    const replica = pool.select();
    const index = Number(replica.id);
    asked += 1;
    replica.inFlight += 1;
    outcome.shares[index] = (outcome.shares[index] ?? 0) + 1;
    outcome.peaks[index] = Math.max(outcome.peaks[index] ?? 0, replica.inFlight);
    // Between half and one and a half of the mean.
    const takes = (serviceMs[index] ?? 0) * (0.5 + random());
    if (Number.isFinite(takes)) pending.push({ at: now + takes, began: now, replica });
  };
  for (let client = 0; client < clients; client += 1) ask();
  while (asked < requests) {
    let next = 0;
    for (let i = 1; i < pending.length; i += 1) if ((pending[i]?.at ?? 0) < (pending[next]?.at ?? 0)) next = i;
    const [done] = pending.splice(next, 1);
    if (done === undefined) break;
    now = done.at;
    done.replica.inFlight -= 1;
    outcome.latencies.push(now - done.began);
    pool.of(done.replica)?.countAnswer(now - done.began, now);
    ask();
  }
  outcome.latencies.sort((a, b) => a - b);
  return outcome;
}
