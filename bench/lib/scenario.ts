import type { Processes } from './processes.js';

/** What a scenario gets; all that it starts through `processes` ends with it. */
export interface Context {
  readonly processes: Processes;
  /** scratch, gone afterwards */
  readonly directory: string;
  /** short runs that show that the harness works; the numbers mean little */
  readonly quick: boolean;
  readonly profile: boolean;
  readonly progress: (text: string) => void;
}

export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** One number of the final table. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: Goal;
}

export interface Result {
  readonly figures: readonly Figure[];
  /** all measurements, for the JSON file */
  readonly raw: unknown;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** after this it is ended, whatever it does */
  readonly limitMs: number;
  /** too long to run with all others: only when it is asked for */
  readonly onlyByName?: true;
  run(context: Context): Promise<Result>;
}

export function meets({ value, goal }: Figure): boolean | undefined {
  if (goal === undefined) return undefined;
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast;
}
