/** Picks in one process: node selection.js <strategy or bare> <connections> <picks>. Prints what one costs. */
import { AgentPool, type PoolConnection, STRATEGIES, type StrategyName } from '@berth/agent-pool';

/** As many exchanges are under way as that. */
const UNDER_WAY = 16;

/** With getters over a state, as real ones have. */
class Connection implements PoolConnection {
  readonly origin: { readonly instanceId: string };
  readonly session = { inFlight: 0, capacity: 1000, closed: false, congested: false };
  state: 'serving' | 'standby' = 'serving';
  picks = 0;

  constructor(readonly id: string) {
    this.origin = { instanceId: id };
  }

  get inFlight(): number {
    return this.session.inFlight;
  }

  get capacity(): number {
    return this.session.capacity;
  }

  get accepting(): boolean {
    return this.state === 'serving' && !this.session.closed;
  }

  get congested(): boolean {
    return this.session.congested;
  }

  get standby(): boolean {
    return this.state === 'standby' && !this.session.closed;
  }
}

const [, , name = 'bare', count = '4', picks = '3000000'] = process.argv;
const connections = Array.from({ length: Number(count) }, (_, index) => new Connection(String(index)));
const select = name === 'bare' ? bare() : pooled(name as StrategyName);

run(Number(picks) / 3);
for (const connection of connections) connection.picks = 0;
const heapBefore = process.memoryUsage().heapUsed;
const beganAt = process.hrtime.bigint();
run(Number(picks));
const ns = Number(process.hrtime.bigint() - beganAt) / Number(picks);
const bytes = (process.memoryUsage().heapUsed - heapBefore) / Number(picks);
const shares = connections.map((connection) => connection.picks);
console.log(`selection ${JSON.stringify({ ns, bytes, spread: Math.max(...shares) / Math.min(...shares) })}`);

function run(times: number): void {
  const underWay: (Connection | undefined)[] = Array.from({ length: UNDER_WAY });
  for (let i = 0; i < times; i += 1) {
    const picked = select();
    picked.picks += 1;
    picked.session.inFlight += 1;
    const ended = underWay[i % UNDER_WAY];
    if (ended !== undefined) ended.session.inFlight -= 1;
    underWay[i % UNDER_WAY] = picked;
  }
  for (const connection of connections) connection.session.inFlight = 0;
}

function pooled(strategy: StrategyName): () => Connection {
  if (!(strategy in STRATEGIES)) throw new Error(`no strategy ${strategy}: ${Object.keys(STRATEGIES).join(', ')}`);
  const pool = new AgentPool<Connection>('agent', { strategy, slowStartMs: 0 });
  for (const connection of connections) pool.add(connection);
  return () => pool.select();
}

/** The least there is to do: a loop for the fewest exchanges, without health, latency or replicas. */
function bare(): () => Connection {
  let turn = 0;
  return () => {
    let best: Connection | undefined;
    turn = (turn + 1) % connections.length;
    for (let i = 0; i < connections.length; i += 1) {
      const it = connections[(turn + i) % connections.length] as Connection;
      if (!it.accepting || it.inFlight >= it.capacity || it.congested) continue;
      if (best === undefined || it.inFlight < best.inFlight) best = it;
    }
    return best as Connection;
  };
}
