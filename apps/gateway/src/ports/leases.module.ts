import { type DynamicModule, Module } from '@nestjs/common';
import type { Log } from '@berth/observability';
import type { RecordStore } from '@berth/state';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { STATE } from '../state/index.js';
import { LeaseRecords } from './lease-records.js';

/** Leases in the state, read before any port is granted. */
@Module({
  providers: [
    {
      provide: LeaseRecords,
      useFactory: (store: RecordStore, log: Log) => new LeaseRecords(store, log).load(),
      inject: [STATE, GATEWAY_LOG],
    },
  ],
  exports: [LeaseRecords],
})
export class LeasesModule {
  /**
   * @param config gives the log
   * @param state where they are kept
   */
  static using(config: DynamicModule, state: DynamicModule): DynamicModule {
    return { module: LeasesModule, imports: [config, state] };
  }
}
