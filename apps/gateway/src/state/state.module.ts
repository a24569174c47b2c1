import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Frozen } from '@berth/config';
import type { Log } from '@berth/observability';
import { MemoryStore, openFileStore, type RecordStore } from '@berth/state';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { stateConfig, type StateSettings } from './state.settings.js';

/** Injection token of the {@link RecordStore}. */
export const STATE = Symbol('STATE');

/** What came of keeping state, for metrics. */
export class StateFigures {
  /** times that `state.file` could not be read or written, since the start */
  errors = 0;
}

/** What outlives the process. The last to be closed: whoever writes does so before the application shuts down. */
@Module({
  providers: [
    StateFigures,
    { provide: STATE, useFactory: openState, inject: [stateConfig.KEY, GATEWAY_LOG, StateFigures] },
  ],
  exports: [STATE, StateFigures],
})
export class StateModule implements OnApplicationShutdown {
  constructor(@Inject(STATE) private readonly store: RecordStore) {}

  /** @param config gives settings and log */
  static using(config: DynamicModule): DynamicModule {
    return { module: StateModule, imports: [config] };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.store.close();
  }
}

async function openState(
  { file, resetDamaged }: Frozen<StateSettings>,
  log: Log,
  figures: StateFigures,
): Promise<RecordStore> {
  if (file === '') return new MemoryStore();
  return await openFileStore({
    file,
    setting: 'state.file',
    resetDamaged,
    resetSetting: 'state.resetDamaged',
    warn: (fields, message) => {
      log.warn(fields, message);
    },
    failed: () => {
      figures.errors += 1;
    },
  });
}
