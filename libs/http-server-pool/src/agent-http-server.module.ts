import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import { AgentHttpServerFactory, type AgentServerOptions } from './agent-http-server.factory.js';
import { HttpServerPool } from './http-server-pool.js';
import { TcpServerPool } from './tcp-server-pool.js';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<AgentServerOptions>().build();

/** {@link AgentHttpServerFactory} for a Nest application, and empty pools, {@link HttpServerPool} for what it makes and {@link TcpServerPool}. */
@Module({
  providers: [
    HttpServerPool,
    TcpServerPool,
    {
      provide: AgentHttpServerFactory,
      // The class knows nothing of Nest, so its options have a token only here.
      useFactory: (options: AgentServerOptions) => new AgentHttpServerFactory(options),
      inject: [MODULE_OPTIONS_TOKEN],
    },
  ],
  exports: [HttpServerPool, TcpServerPool, AgentHttpServerFactory],
})
export class AgentHttpServerModule extends ConfigurableModuleClass {}
