import { codeOf } from '../../testing/bus/lab.js';
import { keyOf, remember } from '../../testing/store/samples.js';
import { steadyNow } from '../runtime/clock.js';
import { type Entries, type Entry, type Found, KEPT_TOKENS, NO_ENTRY, TOKEN_LENGTH } from './entry.js';
import { EntryStore } from './entry-store.js';
import { Known } from './known.js';
import type { ObjectKey } from './object-store.js';
import { Operations } from './operations.js';

const KEY = keyOf('a');

/** One entry, kept by a server that can lose its answers. */
class Lossy implements Entries {
  found: Found = { entry: NO_ENTRY, revision: 0, length: 0 };
  /** what becomes of the next writes: they are not made, or made, and not answered in either case */
  lost: ('made' | 'not-made')[] = [];
  /** done before the next answer to a write that was refused */
  meanwhile: () => void = () => undefined;
  silent = false;

  get(): Promise<Found> {
    return this.silent ? new Promise(() => undefined) : Promise.resolve(this.found);
  }

  put(_name: string, entry: Entry, base: Found | undefined): Promise<Found | undefined> {
    const isSame = base === undefined || base.revision === this.found.revision;
    const fate = this.lost.shift();
    if (isSame && fate !== 'not-made') this.found = { entry, revision: this.found.revision + 1, length: 1 };
    if (fate === undefined) return Promise.resolve(isSame ? this.found : undefined);
    this.meanwhile();
    return Promise.reject(new Error('lost'));
  }

  /** As others do. */
  write(version: number, times = 1): void {
    const { entry, revision } = this.found;
    const tokens = Array.from({ length: times }, (_, i) => String(revision + i).padStart(TOKEN_LENGTH, 'x')).reverse();
    const writes = (tokens.join('') + entry.writes).slice(0, TOKEN_LENGTH * KEPT_TOKENS);
    const last = version === 0 ? entry.last + 1 : version;
    this.found = { entry: { ...entry, version, last, writes }, revision: revision + times, length: 1 };
  }
}

const WAY = {
  ...{ isUp: true, isOpen: true, reason: undefined },
  verdict: () => ({ why: 'lost', answered: false, final: false }),
};

class TestStore extends EntryStore {
  constructor(entries: Entries) {
    const operations = new Operations(WAY, { operationTimeoutMs: 2_000, maxPendingOperations: 10 });
    const limits = { maxStateBytes: 1_000, maxRepliesPerObject: 10 };
    super({ objects: entries, replies: entries, known: new Known(), operations, limits, now: Date.now });
  }
  protected nameOf({ objectId }: ObjectKey): string {
    return objectId;
  }
  protected nameOfReply(scope: string): string {
    return scope;
  }
  protected disconnect(): Promise<void> {
    return Promise.resolve();
  }
}

describe('a write whose answer is lost', () => {
  let entries: Lossy;
  let store: TestStore;

  beforeEach(async () => {
    entries = new Lossy();
    store = new TestStore(entries);
    expect(await store.save(KEY, 0, '1')).toBe(1);
  });
  afterEach(() => store.close());

  it('is made once, whether it was made at first or not', async () => {
    entries.lost = ['made'];
    expect(await store.save(KEY, 1, '2')).toBe(2);
    entries.lost = ['not-made', 'made', 'made'];
    expect(await store.save(KEY, 2, '3')).toBe(3);
    expect(entries.found.revision).toBe(3);
  });

  it('is found below what others have made of it', async () => {
    entries.lost = ['made'];
    entries.meanwhile = () => entries.write(KEPT_TOKENS + 1, KEPT_TOKENS - 1);
    expect(await store.save(KEY, 1, '2')).toBe(2);
  });

  it('is not made when others were faster, and made anew of a reply alone', async () => {
    entries.lost = ['not-made'];
    entries.meanwhile = () => entries.write(2);
    expect(await store.save(KEY, 1, '2')).toBeUndefined();
    entries.lost = ['not-made'];
    expect(await store.save(KEY, 2, '3', remember('k'))).toBe(3);
  });

  it('is OUTCOME_UNKNOWN when others have buried it, or the place where it should be', async () => {
    for (const fate of ['made', 'not-made'] as const) {
      const { version, last } = entries.found.entry;
      entries.lost = [fate];
      entries.meanwhile = () => entries.write(last + KEPT_TOKENS + 1, KEPT_TOKENS);
      expect(await codeOf(store.save(KEY, version, '2'))).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
      await store.load(KEY);
    }
  });

  it('is OUTCOME_UNKNOWN, and not TIMEOUT, when nobody says by the deadline what there is now', async () => {
    entries.lost = ['made'];
    entries.meanwhile = () => {
      entries.silent = true;
    };
    const saved = store.save(KEY, 1, '2', undefined, steadyNow() + 100);
    expect(await codeOf(saved)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
  });

  it('of a delete says what was deleted', async () => {
    entries.lost = ['made'];
    entries.meanwhile = () => entries.write(0);
    expect(await store.delete(KEY)).toBe(true);
  });
});
