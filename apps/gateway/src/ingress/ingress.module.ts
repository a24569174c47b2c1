import { type DynamicModule, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { BerthBuilder } from '../ports/index.js';
import { IngressBerthBuilder } from './http/berth-builder.js';

/** From a request at an agent's port to its answer. */
@Module({ providers: [{ provide: BerthBuilder, useClass: IngressBerthBuilder }], exports: [BerthBuilder] })
export class IngressModule {
  /**
   * @param config gives settings and log
   * @param servers makes the HTTP servers of agents, and lists them
   */
  static using(config: DynamicModule, servers: DynamicModule): DynamicModule {
    return { module: IngressModule, imports: [config, servers, DiscoveryModule] };
  }
}
