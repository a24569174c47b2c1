import { type DynamicModule, Module } from '@nestjs/common';
import { AccessLog } from './access-log.js';

/** Lines about what clients ask for. */
@Module({ providers: [AccessLog], exports: [AccessLog] })
export class AccessLogModule {
  /** @param config gives settings and log */
  static using(config: DynamicModule): DynamicModule {
    return { module: AccessLogModule, imports: [config] };
  }
}
