import type { TlsOptions } from 'node:tls';
import {
  type BeforeApplicationShutdown,
  ConfigurableModuleBuilder,
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { HttpServerPool } from './http-server-pool.js';
import { reloadPool, type Reloaded } from './reload.js';
import type { RequestHandler } from './run-handler.js';
import type { HttpServerConfig } from './server-config.js';
import { HttpServerConfigs } from './server-configs.js';
import { ServerWatch, type WatchOptions } from './server-watch.js';

/** What {@link HttpServerPoolModule} is given. */
export interface HttpServerPoolOptions {
  servers: readonly HttpServerConfig[];
  /** answers where a server has no handler of its own; default: the Nest application itself, its controllers */
  handler?: RequestHandler;
  /** certificate of servers that have none and do not refuse it */
  defaultTls?: TlsOptions;
  /** brings servers back that end or no longer answer; default: none does */
  watch?: WatchOptions;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<HttpServerPoolOptions>()
  .setClassMethodName('forRoot')
  .build();

/** Starts the servers when the application has started, and stops them with it. */
@Injectable()
export class PooledServers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private watch: ServerWatch | undefined;

  constructor(
    private readonly pool: HttpServerPool,
    private readonly adapters: HttpAdapterHost,
    @Inject(MODULE_OPTIONS_TOKEN) private readonly options: HttpServerPoolOptions,
  ) {}

  /** @throws ServerPoolError for servers that are wrong or do not start: the application does not start then */
  async onApplicationBootstrap(): Promise<void> {
    const { error } = this.configs(this.options.servers).build(this.pool);
    if (error !== undefined) throw error;
    try {
      await this.pool.start();
    } catch (thrown) {
      await this.pool.stop(0);
      throw thrown;
    }
    if (this.options.watch === undefined) return;
    this.watch = new ServerWatch(this.pool, this.options.watch);
    this.watch.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.watch?.stop();
    await this.pool.stop();
  }

  /** Makes them what a new list says; throws as `reloadPool` does. */
  reload(servers: readonly HttpServerConfig[]): Promise<Reloaded> {
    return reloadPool(this.pool, this.configs(servers));
  }

  private configs(servers: readonly HttpServerConfig[]): HttpServerConfigs {
    const { defaultTls, handler = this.application() } = this.options;
    // Not as the handler of each: a pool's is looked up per request, and a reload does not see it as a change.
    this.pool.handler(handler);
    const configs = new HttpServerConfigs(servers);
    return defaultTls === undefined ? configs : configs.setDefaultTls(defaultTls);
  }

  /** There is none in an application context, which has no controllers. */
  private application(): RequestHandler | undefined {
    const { httpAdapter } = this.adapters as Partial<HttpAdapterHost>;
    return httpAdapter?.getInstance<RequestHandler>();
  }
}

/** An {@link HttpServerPool} that lives as long as the Nest application: `forRoot(options)`, `forRootAsync({ useFactory })`. */
@Module({ providers: [HttpServerPool, PooledServers], exports: [HttpServerPool, PooledServers] })
export class HttpServerPoolModule extends ConfigurableModuleClass {}
