import { type DynamicModule, Module } from '@nestjs/common';
import { registerAs } from '@nestjs/config';
import type { Frozen } from '@berth/config';
import { GatewayTracingSettings } from '@berth/tracing';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { GatewayTracing } from './gateway-tracing.js';

export const tracingConfig = registerAs(
  'berth.tracing',
  (): Frozen<GatewayTracingSettings> => new GatewayTracingSettings(),
);

/** Traces of what clients ask for. */
@Module({
  providers: [
    {
      provide: GatewayTracing,
      useFactory: GatewayTracing.load.bind(GatewayTracing),
      inject: [tracingConfig.KEY, GATEWAY_LOG],
    },
  ],
  exports: [GatewayTracing],
})
export class TracingModule {
  /** @param config gives settings and log */
  static using(config: DynamicModule): DynamicModule {
    return { module: TracingModule, imports: [config] };
  }
}
