import type { Context, Result, Scenario } from '../lib/scenario.js';
import { faultFigures, kills, rollingRestart, stops } from './replicas-faults.js';
import { measureShares, shareFigures } from './replicas-shares.js';

async function run(context: Context): Promise<Result> {
  const shares = await measureShares(context);
  const rolling = await rollingRestart(context);
  const killed = await kills(context);
  const stopped = await stops(context);
  return {
    figures: [...shareFigures(shares), ...faultFigures(rolling, killed, stopped)],
    raw: { shares, rolling, killed, stopped },
  };
}

export const replicas: Scenario = {
  name: 'replicas',
  about: 'replicas of one agent: how they share, and what fails when one is restarted, killed or stopped',
  limitMs: 20 * 60_000,
  run,
};
