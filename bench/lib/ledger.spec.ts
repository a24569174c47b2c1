import { balance, type CallerAccount } from './ledger.js';

const account = (part: Partial<CallerAccount>): CallerAccount => ({
  ...{ answered: [], refused: [], unanswered: [], effects: {}, open: {}, errors: {} },
  ...{ repeated: 0, unansweredSendings: 0, refusedSendings: 0, longestPauseMs: 0, longestCallMs: 0, ...part },
});

describe('balance', () => {
  it('finds nothing where each call was answered and done once', () => {
    const accounts = [
      account({ answered: [1, 2], effects: { a: [1, 3] } }),
      account({ answered: [101], effects: { a: [2], b: [1] }, repeated: 1 }),
    ];
    expect(balance(accounts, [2, 101, 1], { a: 3, b: 1 })).toMatchObject({
      ...{ accepted: 8, answered: 8, lost: 0 },
      stateless: { done: 3, doneTwice: 0, refusedAndDone: 0, answeredAndNotDone: 0 },
      objects: { keys: 4, effects: 4, doneTwice: 0, effectsMissing: 0 },
    });
  });

  it('finds runs too many, and runs that callers were told the contrary of', () => {
    const accounts = [account({ answered: [1, 2], refused: [3, 4], unanswered: [5, 6] })];
    expect(balance(accounts, [1, 1, 3, 5], {})).toMatchObject({
      ...{ accepted: 4, answered: 2, lost: 2 },
      stateless: { doneTwice: 1, refusedAndDone: 1, answeredAndNotDone: 1, unansweredAndNotDone: 1 },
    });
  });

  it('finds an effect too many and one that is missing, even of the same object', () => {
    const of = (effects: number[], total: number): object =>
      balance([account({ effects: { a: effects } })], [], { a: total }).objects;
    expect(of([1, 2, 4], 4)).toMatchObject({ doneTwice: 1, effectsMissing: 0 });
    expect(of([1, 2, 2], 2)).toMatchObject({ doneTwice: 0, effectsMissing: 1 });
    expect(of([1, 2, 3], 2)).toMatchObject({ doneTwice: 0, effectsMissing: 1 });
    expect(of([1, 3, 3], 3)).toMatchObject({ doneTwice: 1, effectsMissing: 1 });
  });

  it('does not hold an effect of a key without an answer against anybody, and counts its sendings as lost', () => {
    const accounts = [account({ effects: { a: [1, 3] }, open: { a: 1 }, unansweredSendings: 2 })];
    expect(balance(accounts, [], { a: 3 })).toMatchObject({
      lost: 2,
      objects: { keys: 3, doneTwice: 0, effectsMissing: 0 },
    });
    expect(balance(accounts, [], { a: 4 })).toMatchObject({ objects: { doneTwice: 1 } });
  });
});
