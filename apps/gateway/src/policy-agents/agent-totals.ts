import type { PolicyAgentFigures } from '@berth/policy-agents';

/** What is counted by the agents themselves, and goes on when one takes the place of another. */
export interface Totals {
  cancelled: number;
  lateAnswers: number;
  unknownAnswers: number;
  passedOver: number;
  flowSignals: number;
  breakerOpened: number;
  connectionErrors: number;
  serializationErrors: number;
}

export const NO_TOTALS: Readonly<Totals> = {
  ...{ cancelled: 0, lateAnswers: 0, unknownAnswers: 0, passedOver: 0, flowSignals: 0 },
  ...{ breakerOpened: 0, connectionErrors: 0, serializationErrors: 0 },
};

/** Adds what an agent has counted. */
export function added(totals: Totals, figures: PolicyAgentFigures | undefined): Totals {
  if (figures === undefined) return totals;
  const all = { ...figures, ...figures.protocol };
  for (const name of Object.keys(totals) as (keyof Totals)[]) totals[name] += all[name];
  return totals;
}
