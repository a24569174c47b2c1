import { BerthError } from '@berth/errors';
import { silentLog } from '@berth/observability';
import { type Json, MemoryStore, type WriteCondition } from '@berth/state';
import { eventually } from '@berth/testing';
import { LeaseRecords } from './lease-records.js';

const lease = { agentId: 'a', service: 'default', port: 8100, pinned: false, usedAt: 5 };

/** A store whose disk is full while `full`. */
class FailingStore extends MemoryStore {
  full = false;
  puts = 0;

  override async put(key: string, value: Json, condition?: WriteCondition): Promise<number> {
    this.puts += 1;
    if (this.full) throw new BerthError('BERTH_STATE_UNUSABLE', 'state.file: /f: database or disk is full');
    return await super.put(key, value, condition);
  }
}

describe('LeaseRecords', () => {
  it('keeps leases under agent and service, and reads them again', async () => {
    const store = new MemoryStore();
    const records = new LeaseRecords(store, silentLog);
    records.changed(lease);
    records.changed({ ...lease, service: 'ssh', port: 8101, pinned: true, usedAt: null });
    records.gone('a', 'web');
    await records.settled();
    expect((await store.list('')).map(({ key, value }) => [key, value])).toEqual([
      ['leases/a/default', { port: 8100, pinned: false, usedAt: 5 }],
      ['leases/a/ssh', { port: 8101, pinned: true, usedAt: null }],
    ]);
    const again = await new LeaseRecords(store, silentLog).load();
    expect(again.records).toEqual([lease, { ...lease, service: 'ssh', port: 8101, pinned: true, usedAt: null }]);
    again.gone('a', 'ssh');
    await again.settled();
    expect(await store.list('')).toHaveLength(1);
  });

  it('what changes several times in a turn is written once, as it is in the end', async () => {
    const store = new FailingStore();
    const records = new LeaseRecords(store, silentLog);
    for (const usedAt of [null, 6, 7]) records.changed({ ...lease, usedAt });
    await records.settled();
    expect([store.puts, (await store.get('leases/a/default'))?.value]).toEqual([
      1,
      { port: 8100, pinned: false, usedAt: 7 },
    ]);
  });

  it('what changes while it is being written is written again', async () => {
    const store = new MemoryStore();
    const records = new LeaseRecords(store, silentLog);
    store.watch('', ({ value }) => {
      if ((value as { usedAt: number }).usedAt === 5) records.changed({ ...lease, usedAt: 6 });
    });
    records.changed(lease);
    await eventually(async () => JSON.stringify((await store.get('leases/a/default'))?.value).includes('6'));
  });

  it('passes over what it cannot understand, and leaves it there', async () => {
    const store = new MemoryStore();
    const bad: Record<string, Json> = {
      'leases/a/default': { port: 0, pinned: false, usedAt: 1 },
      'leases/b/default': { port: 1, pinned: 'yes', usedAt: 1 },
      'leases/c/default': { port: 1, pinned: false },
      'leases/d/default': null,
      'leases/e': { port: 1, pinned: false, usedAt: 1 },
      'leases/f/default/more': { port: 1, pinned: false, usedAt: 1 },
      'leases/-g/default': { port: 1, pinned: false, usedAt: 1 },
      'leases/h/Web': { port: 1, pinned: false, usedAt: 1 },
    };
    for (const [key, value] of Object.entries(bad)) await store.put(key, value);
    await store.put('leases/z/default', { port: 8100, pinned: true, usedAt: null, later: 'fields' });
    expect((await new LeaseRecords(store, silentLog).load()).records.map(({ agentId }) => agentId)).toEqual(['z']);
    expect(await store.list('leases/')).toHaveLength(9);
  });

  it('a disk that is full stops nobody: it is said, tried again, and told to who asked for certainty', async () => {
    const store = new FailingStore();
    const records = new LeaseRecords(store, silentLog, 5);
    store.full = true;
    records.changed(lease);
    await records.settled();
    await expect(records.sync()).rejects.toMatchObject({ code: 'BERTH_STATE_UNUSABLE' });
    store.full = false;
    await eventually(async () => (await store.get('leases/a/default')) !== undefined);
    await records.sync();
  });

  it('writes what is left when it is closed, and survives that it cannot', async () => {
    const store = new FailingStore();
    const records = new LeaseRecords(store, silentLog);
    records.changed(lease);
    await records.close();
    expect(await store.list('')).toHaveLength(1);
    store.full = true;
    records.changed({ ...lease, port: 8102 });
    await records.close();
  });
});
