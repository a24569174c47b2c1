import type { ConfigChange } from '@berth/policy-agents';
import { ConfigUpdates } from './config-updates.js';

function lab() {
  const seen = { reloads: 0, now: 0, problem: '' };
  const updates = new ConfigUpdates(
    () => {
      if (seen.problem !== '') throw new Error(seen.problem);
      seen.reloads += 1;
    },
    () => seen.now,
  );
  const take = (change: ConfigChange, ...accepted: string[]) => {
    const { accepted: is, error } = updates.take(
      { kind: 'configUpdate', requestId: 'u', timestampMs: 0, change },
      accepted,
    );
    return is ? 'accepted' : error;
  };
  return { seen, updates, take };
}

const list = (add: string[], remove: string[] = [], listId = 'bad'): ConfigChange => ({
  kind: 'list',
  listId,
  add,
  remove,
});
const rule = (id: string) => ({ id, priority: 1, definitionJson: '{}', enabled: true, tags: [] });

describe('what policy agents ask of the gateway (C18)', () => {
  it('is refused unless the operator takes it; what is only news is noted', () => {
    const { take, updates } = lab();
    expect(take({ kind: 'reload' })).toMatch(/takes no reload .*acceptUpdates/);
    expect(take(list(['a']), 'reload')).toMatch(/takes no list/);
    expect(take({ kind: 'restart', reason: 'new binary', gracePeriodMs: 5 })).toBe('accepted');
    expect(take({ kind: 'error', error: 'bad regex', field: 'rules[3]' })).toBe('accepted');
    expect(updates.recent.list().map(({ kind, accepted, what }) => [kind, accepted, what])).toEqual([
      ['error', true, 'rules[3]: bad regex'],
      ['restart', true, 'new binary (within 5 ms)'],
      ['list', false, 'bad: 1 entries, 0 taken out'],
      ['reload', false, ''],
    ]);
    expect([...updates.lists]).toEqual([]);
  });

  it('a reload is done, with time between two, and says why it failed', () => {
    const { take, seen } = lab();
    expect([take({ kind: 'reload' }, 'reload'), take({ kind: 'reload' }, 'reload'), seen.reloads]).toEqual([
      'accepted',
      'the last reload was less than 10000 ms ago',
      1,
    ]);
    seen.now = 10_000;
    seen.problem = 'application.yaml:3: no';
    expect(take({ kind: 'reload' }, 'reload')).toBe('application.yaml:3: no');
  });

  it('rules and lists are kept as they change', () => {
    const { take, updates } = lab();
    const rules = (more: string[], removeRules: string[]): ConfigChange => ({
      ...{ kind: 'rules', ruleSet: 'sqli', rules: more.map(rule), removeRules },
    });
    expect(take(rules(['1', '2'], []), 'rules')).toBe('accepted');
    expect(take(rules(['3'], ['1']), 'rules')).toBe('accepted');
    expect([...(updates.rules.get('sqli')?.keys() ?? [])]).toEqual(['2', '3']);
    take(list(['a', 'b']), 'list');
    take(list([], ['a', 'b']), 'list');
    expect(updates.lists.size).toBe(0);
  });

  it('never take more than their room, whole or not at all', () => {
    const { take, updates } = lab();
    expect(take(list(Array.from({ length: 10_001 }, (_, i) => `${i}`)), 'list')).toMatch(/keeps 10000 entries/);
    expect(take(list(['x'.repeat(1_048_577)]), 'list')).toMatch(/keeps 1048576 characters/);
    expect(take(list(['a'], [], ''), 'list')).toMatch(/a name must have/);
    expect(take(list(['a'], [], 'n'.repeat(257)), 'list')).toMatch(/a name must have/);
    for (let i = 0; i < 64; i += 1) expect(take(list(['a'], [], `l${i}`), 'list')).toBe('accepted');
    expect(take(list(['a'], [], 'one-more'), 'list')).toMatch(/keeps 64 of them/);
    expect(take(list(['b'], [], 'l0'), 'list')).toBe('accepted');
    expect(updates.lists.size).toBe(64);
    expect(updates.recent.list()).toHaveLength(50);
  });
});
