import { Member, type Serve } from './member.js';
import { Route } from './routes.js';

const SERVE: Serve = { service: 's', partition: 0, objectId: undefined, methods: [], concurrency: 1, since: 1 };

function route(ids: readonly string[]): Route {
  const made = new Route('s', 0);
  for (const id of ids) made.add(new Member(id), SERVE);
  return made;
}

const objects = Array.from({ length: 10_000 }, (_, i) => `object-${i}`);

describe('Route', () => {
  it('gives members about the same number of objects, whatever the order in which they came', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const owners = objects.map((name) => route(ids).ownerOf(name)?.id);
    for (const id of ids) {
      const share = owners.filter((owner) => owner === id).length;
      expect(share).toBeGreaterThan(1800);
      expect(share).toBeLessThan(2200);
    }
    expect(objects.map((name) => route(ids.toReversed()).ownerOf(name)?.id)).toEqual(owners);
  });

  it('moves only the objects of a member that leaves', () => {
    const all = route(['a', 'b', 'c', 'd', 'e']);
    const without = route(['a', 'b', 'd', 'e']);
    for (const name of objects) {
      const owner = all.ownerOf(name)?.id;
      if (owner !== 'c') expect(without.ownerOf(name)?.id).toBe(owner);
    }
  });

  it('an object with agents of its own is theirs', () => {
    const made = route(['a', 'b']);
    made.add(new Member('own'), { ...SERVE, objectId: 'one' });
    expect(made.ownerOf('one')?.id).toBe('own');
    expect(made.ownerOf('two')?.id).not.toBe('own');
    expect(new Route('s', 0).ownerOf('one')).toBeUndefined();
  });
});
