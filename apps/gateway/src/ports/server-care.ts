import { type BeforeApplicationShutdown, Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import {
  HttpServerPool,
  type PooledServer,
  ServerWatch,
  TcpServerPool,
  type WatchEvent,
} from '@berth/http-server-pool';
import { LimitedLog, type Log } from '@berth/observability';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { agentPortsConfig } from './agent-ports.settings.js';

export interface CareOptions {
  /** between two rounds of probes, ms; 0: there are none */
  checkIntervalMs: number;
  /** before a server is given up; 0: servers are not brought back */
  restartAttempts: number;
}

/** Longest wait of a timer of Node, ms: as good as never. */
const NEVER_MS = 2_147_483_647;

/** Brings servers of the gateway back that end by themselves or no longer answer, on the port that they had (checklist A8). */
@Injectable()
export class ServerCare implements OnModuleInit, BeforeApplicationShutdown {
  private readonly watches: Pick<ServerWatch, 'start' | 'stop' | 'look'>[] = [];
  private readonly limited: LimitedLog;
  /** servers brought back so far */
  restarted = 0;
  /** servers that could not be */
  givenUp = 0;

  constructor(
    http: HttpServerPool,
    tcp: TcpServerPool,
    @Inject(agentPortsConfig.KEY) options: CareOptions,
    @Inject(GATEWAY_LOG) log: Log,
  ) {
    this.limited = new LimitedLog(log);
    if (options.restartAttempts === 0) return;
    const how = {
      everyMs: options.checkIntervalMs === 0 ? NEVER_MS : options.checkIntervalMs,
      maxAttempts: options.restartAttempts,
      onEvent: (event: WatchEvent<PooledServer>): void => {
        this.tell(event);
      },
    };
    this.watches = [new ServerWatch(http, how), new ServerWatch(tcp, how)];
  }

  onModuleInit(): void {
    for (const watch of this.watches) watch.start();
  }

  /** What stops from now on is meant to. */
  beforeApplicationShutdown(): void {
    for (const watch of this.watches) watch.stop();
  }

  /** Asks every server for a sign of life now. */
  async look(): Promise<void> {
    await Promise.all(this.watches.map((watch) => watch.look()));
  }

  private tell({ kind, server, attempt, error, nextInMs }: WatchEvent<PooledServer>): void {
    const fields = { server: server.name, scheme: server.scheme, bind: server.key, attempt, nextInMs, err: error };
    switch (kind) {
      case 'down':
        this.limited.error(fields, 'a server ended by itself; it is started again');
        break;
      case 'silent':
        this.limited.error(fields, 'a server does not answer; it is started again');
        break;
      case 'restarted':
        this.restarted += 1;
        this.limited.warn(fields, 'a server was started again');
        break;
      case 'restart-failed':
        this.limited.error(fields, 'a server could not be started again');
        break;
      case 'gave-up':
        this.givenUp += 1;
        this.limited.error(fields, 'a server is given up (agentPorts.restartAttempts)');
    }
  }
}
