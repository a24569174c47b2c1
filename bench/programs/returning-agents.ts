/** Agents that tell when each is back: `returning-agents.js <gRPC port> <count> <reconnect.earlyForMs> [<first number>]`. */
import { defaultAgentSettings } from 'berth-agent';
import { launchAgent } from 'berth-agent';
import { monotonicMs } from '../lib/numbers.js';
import { endWithParent, numberArgument } from './lifeline.js';

/** What is printed once all agents are back. */
export interface Return {
  /** of each agent, ms on the machine's monotonic clock */
  readonly backAt: readonly number[];
  /** attempts of all agents from the loss to the return */
  readonly attempts: number;
  /** of them, in the busiest second */
  readonly busiest: number;
}

const gateway = `127.0.0.1:${numberArgument(0)}`;
const count = numberArgument(1);
const earlyForMs = numberArgument(2);
const first = Number(process.argv[5] ?? 0);

endWithParent();
const backAt: number[] = [];
const attemptedAt: number[] = [];
await Promise.all(
  Array.from({ length: count }, async (_, number) => {
    // Nobody asks for the target: that they come back is all that is wanted.
    const target = 'http://127.0.0.1:9';
    const log = { level: 'silent' };
    const settings = defaultAgentSettings({
      target,
      id: `returns-${first + number}`,
      gateway,
      reconnect: { earlyForMs },
      log,
    });
    const agent = launchAgent(settings);
    await agent.ready;
    agent.client.on('lost', ({ retryInMs }) => {
      attemptedAt.push(monotonicMs() + retryInMs);
    });
    agent.client.on('ready', () => {
      backAt.push(monotonicMs());
      if (backAt.length === count) tell();
    });
  }),
);
console.log(`connected ${count}`);

function tell(): void {
  const sorted = attemptedAt.sort((a, b) => a - b);
  let busiest = 0;
  for (let from = 0, to = 0; to < sorted.length; to += 1) {
    while ((sorted[to] ?? 0) - (sorted[from] ?? 0) > 1000) from += 1;
    busiest = Math.max(busiest, to - from + 1);
  }
  const found: Return = { backAt, attempts: sorted.length, busiest };
  console.log(`back ${JSON.stringify(found)}`);
}
