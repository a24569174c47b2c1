import { setImmediate as turn } from 'node:timers/promises';
import { collectGarbage } from '@berth/testing';
import { entriesOf, type PolicyEntry } from './policy-schema.js';

describe('parts of policies', () => {
  it('that were judged once are not judged again', () => {
    const part = (): object => ({ access: { deny: ['10.0.0.0/8'] }, rate: { burst: 7 } });
    const first = entriesOf(part());
    expect(first).toEqual([
      { path: 'access.deny', value: ['10.0.0.0/8'] },
      { path: 'rate.burst', value: 7 },
    ]);
    expect(entriesOf(part())).toBe(first);
  });

  it('are judged each by itself, whatever their text looks like', () => {
    expect(entriesOf({ rate: { burst: null } })).toEqual([]);
    expect(() => entriesOf({ rate: { burst: NaN } })).toThrow(/^rate\.burst: must be a whole number/);
    for (let i = 0; i < 2; i += 1) expect(() => entriesOf({ rate: { burst: -1 } })).toThrow(/^rate\.burst: /);
  });

  it('are kept, with the secrets in them, only while somebody uses them', async () => {
    const part = (token: string): object => ({ auth: { bearerTokens: [token] } });
    const used = entriesOf(part('one-of-sixteen-letters'));
    const replaced = new WeakRef<readonly PolicyEntry[]>(entriesOf(part('two-of-sixteen-letters')));
    // What was looked at in a turn of the event loop lives until its end.
    await turn();
    collectGarbage();
    expect(replaced.deref()).toBeUndefined();
    expect(entriesOf(part('one-of-sixteen-letters'))).toBe(used);
  });
});
