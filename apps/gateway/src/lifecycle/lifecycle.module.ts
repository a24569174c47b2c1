import { type DynamicModule, Module } from '@nestjs/common';
import { LifecycleEvents } from './lifecycle-events.js';

/** What happens to agents and ports, for everybody who wants to know. */
@Module({ providers: [LifecycleEvents], exports: [LifecycleEvents] })
export class LifecycleModule {
  /** @param config gives the log */
  static using(config: DynamicModule): DynamicModule {
    return { module: LifecycleModule, imports: [config] };
  }
}
