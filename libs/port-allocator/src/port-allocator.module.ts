import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import type { PortAllocatorOptions } from './allocator-options.js';
import { PortAllocatorService } from './port-allocator.service.js';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<PortAllocatorOptions>().build();

/** {@link PortAllocatorService} for a Nest application: `register(options)`, or `registerAsync` with a factory of them. */
@Module({
  providers: [
    {
      provide: PortAllocatorService,
      // The class knows nothing of Nest, so its options have a token only here.
      useFactory: (options: PortAllocatorOptions) => new PortAllocatorService(options),
      inject: [MODULE_OPTIONS_TOKEN],
    },
  ],
  exports: [PortAllocatorService],
})
export class PortAllocatorModule extends ConfigurableModuleClass {}
