/** What one caller knows of its calls. Numbers and keys are its own; no other caller has the same. */
export interface CallerAccount {
  /** stateless calls, by their numbers: answered, refused before anybody took them, and neither */
  readonly answered: readonly number[];
  readonly refused: readonly number[];
  readonly unanswered: readonly number[];
  /** calls of objects, by key: what each was answered, by object */
  readonly effects: Readonly<Record<string, readonly number[]>>;
  /** keys that were never answered, however often they were sent, by object */
  readonly open: Readonly<Record<string, number>>;
  /** keys that were sent twice at once, on purpose; their effect is in `effects` once */
  readonly repeated: number;
  /** sendings of keys that were accepted and not answered; each was sent again */
  readonly unansweredSendings: number;
  readonly refusedSendings: number;
  /** code to how often a call ended with it */
  readonly errors: Readonly<Record<string, number>>;
  readonly longestPauseMs: number;
  readonly longestCallMs: number;
}

export interface Balance {
  readonly accepted: number;
  readonly answered: number;
  /** accepted and not answered, of both kinds */
  readonly lost: number;
  readonly stateless: {
    readonly accepted: number;
    readonly answered: number;
    readonly unanswered: number;
    readonly refused: number;
    readonly done: number;
    readonly doneTwice: number;
    /** a caller that believes a refusal and calls again has it twice */
    readonly refusedAndDone: number;
    readonly answeredAndNotDone: number;
    readonly unansweredAndNotDone: number;
  };
  readonly objects: {
    readonly keys: number;
    readonly answered: number;
    readonly repeated: number;
    readonly unansweredSendings: number;
    readonly refusedSendings: number;
    readonly effects: number;
    readonly doneTwice: number;
    /** answered, and not in the state */
    readonly effectsMissing: number;
  };
}

/**
 * Compares what callers were told with what was done.
 *
 * An effect on an object is answered with the count it made. Were each key's
 * effect made once, the answers of an object are 1 to its total, each once: a
 * number that nobody was answered is an effect too many, and one that two keys
 * were answered, or that is above the total, an effect that is missing. A total
 * alone would hide one of each.
 *
 * @param marked the numbers of all runs of the stateless method
 * @param totals the counts of the objects at the end
 */
export function balance(
  accounts: readonly CallerAccount[],
  marked: readonly number[],
  totals: Readonly<Record<string, number>>,
): Balance {
  const stateless = statelessBalance(accounts, marked);
  const objects = objectBalance(accounts, totals);
  return {
    accepted: stateless.accepted + objects.answered + objects.repeated + objects.unansweredSendings,
    answered: stateless.answered + objects.answered + objects.repeated,
    lost: stateless.unanswered + objects.unansweredSendings,
    stateless,
    objects,
  };
}

function statelessBalance(accounts: readonly CallerAccount[], marked: readonly number[]): Balance['stateless'] {
  const done = new Set(marked);
  const all = (of: 'answered' | 'refused' | 'unanswered'): number[] => accounts.flatMap((account) => account[of]);
  const [answered, refused, unanswered] = [all('answered'), all('refused'), all('unanswered')];
  const notDone = (numbers: number[]): number => numbers.filter((number) => !done.has(number)).length;
  return {
    accepted: answered.length + unanswered.length,
    answered: answered.length,
    unanswered: unanswered.length,
    refused: refused.length,
    done: done.size,
    doneTwice: marked.length - done.size,
    refusedAndDone: refused.length - notDone(refused),
    answeredAndNotDone: notDone(answered),
    unansweredAndNotDone: notDone(unanswered),
  };
}

function objectBalance(
  accounts: readonly CallerAccount[],
  totals: Readonly<Record<string, number>>,
): Balance['objects'] {
  let [keys, answered, effects, doneTwice, effectsMissing] = [0, 0, 0, 0, 0];
  for (const [object, total] of Object.entries(totals)) {
    const answers = accounts.flatMap((account) => account.effects[object] ?? []);
    const open = accounts.reduce((sum, account) => sum + (account.open[object] ?? 0), 0);
    const known = new Set(answers.filter((answer) => answer >= 1 && answer <= total));
    keys += answers.length + open;
    answered += answers.length;
    effects += total;
    // A key that was never answered may have had its effect.
    doneTwice += Math.max(0, total - known.size - open);
    effectsMissing += answers.length - known.size;
  }
  const sum = (of: 'repeated' | 'unansweredSendings' | 'refusedSendings'): number =>
    accounts.reduce((total, account) => total + account[of], 0);
  return {
    ...{
      keys,
      answered,
      repeated: sum('repeated'),
      unansweredSendings: sum('unansweredSendings'),
      refusedSendings: sum('refusedSendings'),
    },
    ...{ effects, doneTwice, effectsMissing },
  };
}
