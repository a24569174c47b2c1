import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { type GatewaySettings } from './gateway-settings.js';
import { isLoopback, watchDescriptors } from '@berth/node-runtime';
import type { Log } from '@berth/observability';
import { AbsentAgents, AgentRegistry } from './agents/index.js';
import { LeaseRecords } from './ports/index.js';
import { GATEWAY_LOG, GATEWAY_SETTINGS } from './gateway.tokens.js';

/** Left of the whole shutdown for what comes after the requests under way, ms. */
const CLOSING_MS = 500;
/** Between two looks at the health of connections, ms. */
const TICK_MS = 1000;

/** What the gateway does by the clock, and how it ends. */
@Injectable()
export class GatewayRuntime implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private sweeper: NodeJS.Timeout | undefined;
  private ticker: NodeJS.Timeout | undefined;
  private stopWatching: (() => void) | undefined;

  constructor(
    private readonly registry: AgentRegistry,
    private readonly absent: AbsentAgents,
    private readonly leases: LeaseRecords,
    @Inject(GATEWAY_SETTINGS) private readonly settings: GatewaySettings,
    @Inject(GATEWAY_LOG) private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    const { tunnel, grpc, auth, http, admin } = this.settings;
    if (admin.token === '' && !isLoopback(http.host)) {
      this.log.warn(
        { httpHost: http.host, httpPort: http.port },
        'anybody who reaches the admin port can use it (admin.insecure): set admin.token',
      );
    }
    if (auth.token === '' && (!grpc.tls.enabled || grpc.tls.clientCert !== 'require')) {
      this.log.warn(
        { grpcHost: grpc.host, grpcPort: grpc.port },
        'anybody who reaches the gRPC port can register an agent: set auth.token, or grpc.tls.clientCert to require',
      );
    }
    this.sweeper = setInterval(() => {
      this.registry.sweep(performance.now());
      this.absent.alive();
    }, tunnel.sweepIntervalMs);
    this.sweeper.unref();
    this.ticker = setInterval(() => {
      this.registry.tick(performance.now());
    }, TICK_MS);
    this.ticker.unref();
    this.stopWatching = watchDescriptors({
      exhausted: (open) => {
        this.log.error(
          { open, agents: this.registry.list().length },
          'no descriptors left: connections that come are lost until some are free; raise the limit (LimitNOFILE, ulimit -n) or lower agentPorts.maxTotalConnections',
        );
      },
      recovered: (lastedMs) => {
        this.log.info({ lastedMs }, 'descriptors are free again');
      },
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.sweeper);
    clearInterval(this.ticker);
    this.stopWatching?.();
    const { timeoutMs } = this.settings.shutdown;
    const agents = this.registry.list().length;
    this.log.info({ event: 'shutting_down', agents, timeoutMs }, 'shutting down');
    this.absent.shutDown();
    await this.registry.close(Math.max(0, timeoutMs - CLOSING_MS));
    await Promise.all([this.leases.close(), this.absent.close()]);
  }
}
