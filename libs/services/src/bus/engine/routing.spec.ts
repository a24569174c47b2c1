import { Member } from './member.js';
import { Scope } from './routing.js';
import { Worker } from './worker.js';

function join(scope: Scope, id: string, objectId?: string): void {
  const worker = new Worker(1, () => undefined, new Member(id), undefined, scope, objectId);
  scope.join(worker, [], false);
}

function scope(ids: readonly string[]): Scope {
  const made = new Scope('s', 0);
  for (const id of ids) join(made, id);
  return made;
}

const objects = Array.from({ length: 10_000 }, (_, i) => `object-${i}`);

describe('Scope', () => {
  it('gives members about the same number of objects, whatever the order in which they came', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const owners = objects.map((name) => scope(ids).ownerOf(name)?.id);
    for (const id of ids) {
      const share = owners.filter((owner) => owner === id).length;
      expect(share).toBeGreaterThan(1800);
      expect(share).toBeLessThan(2200);
    }
    expect(objects.map((name) => scope(ids.toReversed()).ownerOf(name)?.id)).toEqual(owners);
  });

  it('moves only the objects of a member that leaves', () => {
    const all = scope(['a', 'b', 'c', 'd', 'e']);
    const without = scope(['a', 'b', 'd', 'e']);
    for (const name of objects) {
      const owner = all.ownerOf(name)?.id;
      if (owner !== 'c') expect(without.ownerOf(name)?.id).toBe(owner);
    }
  });

  it('an object with agents of its own is theirs', () => {
    const made = scope(['a', 'b']);
    join(made, 'own', 'one');
    expect(made.ownerOf('one')?.id).toBe('own');
    expect(made.ownerOf('two')?.id).not.toBe('own');
    expect(new Scope('s', 0).ownerOf('one')).toBeUndefined();
  });
});
