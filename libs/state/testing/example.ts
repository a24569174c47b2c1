import { BerthError } from '@berth/errors';
import { MemoryStore, openFileStore, type RecordStore } from '@berth/state';

/** @param file path of the file; empty: nothing outlives the process */
async function openState(file: string): Promise<RecordStore> {
  if (file === '') return new MemoryStore();
  const warn = (fields: object, message: string): void => {
    console.warn(message, fields);
  };
  return await openFileStore({ file, setting: 'file', resetDamaged: false, resetSetting: 'reset', warn });
}

/** Counts one more, whoever else does so at the same time. */
async function count(store: RecordStore, key: string): Promise<number> {
  for (;;) {
    const { value = 0, revision = 0 } = (await store.get(key)) ?? {};
    try {
      await store.put(key, Number(value) + 1, { ifRevision: revision });
      return Number(value) + 1;
    } catch (thrown) {
      if (BerthError.from(thrown).code !== 'BERTH_STATE_CONFLICT') throw thrown;
    }
  }
}

export { count, openState };
