import { type DynamicModule, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ClientTotal } from './client-limits.js';
import { HttpPortBuilder } from './http/http-port-builder.js';
import { TcpPortBuilder } from './tcp/tcp-port-builder.js';

/** From what arrives at an agent's port to its answer: a builder for every kind of port. */
@Module({ providers: [ClientTotal, HttpPortBuilder, TcpPortBuilder], exports: [ClientTotal] })
export class IngressModule {
  /**
   * @param config gives settings and log
   * @param accessLog is told of what clients ask for
   * @param tracing makes spans of it
   * @param certificates of the ports
   * @param policy rules of ports
   * @param servers makes the HTTP servers of agents, and lists them
   * @param ports takes the builders
   */
  static using(
    config: DynamicModule,
    accessLog: DynamicModule,
    tracing: DynamicModule,
    certificates: DynamicModule,
    policy: DynamicModule,
    servers: DynamicModule,
    ports: DynamicModule,
  ): DynamicModule {
    return {
      module: IngressModule,
      imports: [config, accessLog, tracing, certificates, policy, servers, ports, DiscoveryModule],
    };
  }
}
