import { type BeforeApplicationShutdown, Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpServerPool, ServerWatch, type WatchEvent } from '@berth/http-server-pool';
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

/** Brings HTTP servers of the gateway back that end by themselves or no longer answer, on the port that they had (checklist A8). */
@Injectable()
export class ServerCare implements OnModuleInit, BeforeApplicationShutdown {
  private readonly watch: ServerWatch | undefined;
  private readonly limited: LimitedLog;
  /** servers brought back so far */
  restarted = 0;
  /** servers that could not be */
  givenUp = 0;

  constructor(pool: HttpServerPool, @Inject(agentPortsConfig.KEY) options: CareOptions, @Inject(GATEWAY_LOG) log: Log) {
    this.limited = new LimitedLog(log);
    if (options.restartAttempts === 0) return;
    this.watch = new ServerWatch(pool, {
      everyMs: options.checkIntervalMs === 0 ? NEVER_MS : options.checkIntervalMs,
      maxAttempts: options.restartAttempts,
      onEvent: (event) => {
        this.tell(event);
      },
    });
  }

  onModuleInit(): void {
    this.watch?.start();
  }

  /** What stops from now on is meant to. */
  beforeApplicationShutdown(): void {
    this.watch?.stop();
  }

  /** Asks every server for a sign of life now. */
  async look(): Promise<void> {
    await this.watch?.look();
  }

  private tell({ kind, server, attempt, error, nextInMs }: WatchEvent): void {
    const fields = { server: server.name, bind: server.key, attempt, nextInMs, err: error };
    switch (kind) {
      case 'down':
        this.limited.error(fields, 'an HTTP server ended by itself; it is started again');
        break;
      case 'silent':
        this.limited.error(fields, 'an HTTP server does not answer; it is started again');
        break;
      case 'restarted':
        this.restarted += 1;
        this.limited.warn(fields, 'an HTTP server was started again');
        break;
      case 'restart-failed':
        this.limited.error(fields, 'an HTTP server could not be started again');
        break;
      case 'gave-up':
        this.givenUp += 1;
        this.limited.error(fields, 'an HTTP server is given up (agentPorts.restartAttempts)');
    }
  }
}
