import { ExchangeKind, ResetCode } from '@berth/exchange';
import type { Party } from '../testing/party.js';
import { Simulation } from '../testing/simulation.js';

/** What a session keeps, by its private names: nothing may be left of exchanges that are over. */
interface Inside {
  live: { size: number };
  outbox: { underWayBytes: number; ready: unknown[]; served: unknown[]; control: string; backlog: string[] };
}

function leftIn(session: unknown): unknown {
  const { live, outbox } = session as Inside;
  const { underWayBytes, ready, served, control, backlog } = outbox;
  return [live.size, underWayBytes, ready.length, served.length, control.length, backlog.length];
}

/** Whether a side saw its exchange through: all bytes, then the End with its trailers. */
function expectComplete(receiver: Party, sender: Party): void {
  expect(receiver.receivedBytes).toBe(sender.bodyBytes);
  expect(sender.sentBytes).toBe(sender.bodyBytes);
  expect(receiver.ended).toBe(1);
  expect(receiver.gotTrailers).toEqual(sender.sentTrailers);
}

function checkOutcome(gateway: Party, agent: Party | undefined): void {
  if (agent === undefined) {
    // Reset before it reached the agent, or refused by its limit.
    expect(gateway.resetByMe || gateway.failures[0]?.code === ResetCode.refused).toBe(true);
    return;
  }
  const broken = [gateway, agent].some((party) => party.resetByMe);
  if (!broken) {
    expect(gateway.failures).toEqual([]);
    expectComplete(gateway, agent);
    const cutShort = agent.failures.length > 0;
    if (cutShort) expect(agent.failures[0]?.code).toBe(ResetCode.done);
    else if (gateway.kind === ExchangeKind.http && gateway.bodyBytes === 0) expect(agent.receivedBytes).toBe(0);
    else expectComplete(agent, gateway);
    if (cutShort) expect(gateway.exchange.pipe).toBe(false);
  }
  // The other side of a reset hears of it, unless its exchange was over by then.
  for (const [one, other] of [
    [gateway, agent],
    [agent, gateway],
  ] as const) {
    const over = other.failures.length + other.ended > 0 || (other.endQueued && !other.exchange.openHead.body);
    if (one.resetByMe) expect(other.resetByMe || over).toBe(true);
  }
}

const seen = { exchanges: 0, wakeups: 0, failures: 0, resets: 0, pipes: 0, trailers: 0, returns: 0 };

function count(parties: readonly Party[]): void {
  seen.exchanges += parties.length;
  for (const party of parties) {
    seen.wakeups += party.wakeups;
    seen.failures += party.failures.length;
    seen.resets += Number(party.resetByMe);
    seen.pipes += Number(party.exchange.pipe);
    seen.trailers += Number(party.gotTrailers !== undefined);
  }
}

const SEEDS = Array.from({ length: 16 }, (_, group) => group * 10);

describe('two sessions over a network that dawdles', () => {
  it.each(SEEDS)('lose, repeat and keep nothing, whatever happens in between (seeds from %i)', async (first) => {
    for (let seed = first; seed < first + 10; seed += 1) await run(seed);
  });

  it('and meet everything that the model can do', () => {
    for (const times of Object.values(seen)) expect(times).toBeGreaterThan(20);
  });
});

async function run(seed: number): Promise<void> {
  const simulation = new Simulation(seed);
  const { gateway, agent, gatewayParties, agentParties } = simulation;
  try {
    const steps = simulation.random.between(50, 800);
    for (let step = 0; step < steps; step += 1) await simulation.step();
    const cut = simulation.random.chance(0.2);
    if (cut) {
      const alive = gatewayParties.filter((party) => !party.exchange.closed);
      simulation.random.pick([gateway, agent]).close();
      gateway.close();
      agent.close();
      expect(alive.every((party) => party.failures.length === 1)).toBe(true);
      expect(agentParties.every((party) => party.exchange.closed)).toBe(true);
    }
    expect(await simulation.settle()).toBe(true);
    expect(simulation.closed).toEqual(cut ? [null, null] : []);
    expect([leftIn(gateway), leftIn(agent)]).toEqual([
      [0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0],
    ]);
    expect([simulation.gatewayBudget.used, simulation.agentBudget.used]).toEqual([0, 0]);
    count(simulation.parties);
    seen.returns += simulation.audit.returns;
    if (cut) return;
    const byId = new Map(agentParties.map((party) => [party.exchange.id, party]));
    for (const party of gatewayParties) checkOutcome(party, byId.get(party.exchange.id));
  } catch (thrown) {
    throw new Error(`seed ${seed}: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`);
  }
}
