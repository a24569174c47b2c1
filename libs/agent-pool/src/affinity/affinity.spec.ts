import fc from 'fast-check';
import { type FakeConnection, fakeReplica } from '../../testing/fake-connection.js';
import { AgentPool, isFit, ownerOf, replicaFor } from '../index.js';
import { hashOf, preference } from './rendezvous.js';

const KEYS = Array.from({ length: 4000 }, (_, index) => `192.0.2.${index}`);

describe('rendezvous hashing', () => {
  const hashes = KEYS.map(hashOf);

  /** For each key its place. */
  function owners(places: readonly string[]): string[] {
    return hashes.map((hash) => {
      const wishes = places.map((place) => preference(hash, hashOf(place)));
      return places[wishes.indexOf(Math.max(...wishes))] ?? '';
    });
  }

  it('spreads keys evenly, and moves only those of the place that comes or goes', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 6 }), (places) => {
        const before = owners(places);
        const after = owners(places.slice(1));
        expect(before.filter((owner, index) => owner !== places[0] && owner !== after[index])).toEqual([]);
        for (const place of places) {
          const share = (before.filter((owner) => owner === place).length / KEYS.length) * places.length;
          expect(Math.abs(share - 1)).toBeLessThan(0.25);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('affinity by a key', () => {
  function make(...ids: string[]) {
    const pool = new AgentPool<FakeConnection>('agent', { strategy: 'roundRobin', slowStartMs: 0 });
    // Two connections to each replica.
    const connections = ids.flatMap((id) => [1, 2].map((n) => fakeReplica(`${id}${n}`, {}, id)));
    for (const connection of connections) pool.add(connection);
    const of = (id: string): FakeConnection[] => connections.filter(({ origin }) => origin.instanceId === id);
    return { pool, of };
  }

  it('a client has its replica by its address alone, and only those of one that goes move', () => {
    const { pool, of } = make('a', 'b', 'c', 'd');
    const homes = (find: typeof ownerOf): Map<string, string | undefined> =>
      new Map(KEYS.slice(0, 400).map((key) => [key, find(pool, key)?.id]));
    const before = homes(replicaFor);
    expect(new Set(before.values())).toEqual(new Set(['a', 'b', 'c', 'd']));
    for (const connection of of('b')) connection.accepting = false;
    const during = homes(replicaFor);
    for (const [key, home] of before) {
      if (home === 'b') expect(during.get(key)).not.toBe('b');
      else expect(during.get(key)).toBe(home);
    }
    expect(homes(ownerOf)).toEqual(before);
    for (const connection of of('b')) pool.remove(connection);
    expect(homes(ownerOf)).toEqual(during);
    for (const connection of pool.all) pool.remove(connection);
    expect([ownerOf(pool, 'x'), replicaFor(pool, 'x')]).toEqual([undefined, undefined]);
  });

  it('passes over a replica that is full or not fit; one that is only full can serve later', () => {
    const { pool, of } = make('a', 'b');
    const home = replicaFor(pool, 'key');
    if (home === undefined) throw new Error('there is none');
    for (const connection of of(home.id)) connection.inFlight = connection.capacity;
    expect(replicaFor(pool, 'key')).not.toBe(home);
    expect([ownerOf(pool, 'key'), isFit(pool, home)]).toEqual([home, true]);
    for (const connection of of(home.id)) pool.of(connection)?.health.reports('unhealthy', '', 0);
    expect(isFit(pool, home)).toBe(false);
  });
});

describe('a replica that an exchange should go to', () => {
  const pooled = (): { pool: AgentPool<FakeConnection>; a: FakeConnection[]; b: FakeConnection } => {
    const pool = new AgentPool<FakeConnection>('agent', { strategy: 'roundRobin', slowStartMs: 0 });
    const a = [fakeReplica('a1', {}, 'a'), fakeReplica('a2', {}, 'a')];
    const b = fakeReplica('b1', {}, 'b');
    for (const connection of [...a, b]) pool.add(connection);
    return { pool, a, b };
  };
  const picks = (pool: AgentPool<FakeConnection>, replicaId: string): (string | undefined)[] =>
    Array.from({ length: 6 }, () => pool.pick(undefined, replicaId)?.connection.id);

  it('C9: gets it, over all connections of it, and changes nothing for others', () => {
    const { pool } = pooled();
    expect(new Set(picks(pool, 'a'))).toEqual(new Set(['a1', 'a2']));
    expect(new Set(Array.from({ length: 6 }, () => pool.pick()?.connection.id))).toEqual(new Set(['a1', 'a2', 'b1']));
  });

  it('C9: does not while it is full, not fit, gone, or none of the agent', () => {
    const { pool, a, b } = pooled();
    b.inFlight = b.capacity;
    expect(new Set(picks(pool, 'b'))).toEqual(new Set(['a1', 'a2']));
    b.inFlight = 0;
    expect(new Set(picks(pool, 'b'))).toEqual(new Set(['b1']));
    pool.of(b)?.health.reports('unhealthy', '', 0);
    expect(new Set(picks(pool, 'b'))).toEqual(new Set(['a1', 'a2']));
    for (const connection of a) pool.remove(connection);
    expect(picks(pool, 'a')).toEqual(Array(6).fill('b1'));
    expect(picks(pool, 'never there')).toEqual(Array(6).fill('b1'));
  });
});
