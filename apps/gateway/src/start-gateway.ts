import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Logger as NestLogger, LoggerModule } from 'nestjs-pino';
import type { Logger } from 'pino';
import type { Server } from 'node:http';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { type INestApplication, Module } from '@nestjs/common';
import type { LoadInput } from '@berth/config';
import { messageOf } from '@berth/errors';
import { HttpServerPool, PooledHttpServer } from '@berth/http-server-pool';
import { createLogger, LimitedLog, type Log, logLevelOf } from '@berth/observability';
import type { GatewaySettings } from './gateway-settings.js';
import { AccessLog } from './access-log/index.js';
import { prepareAdminApp, serveApiDocs } from './admin/index.js';
import { adminConnections } from './effective-limits.js';
import { GatewayModule } from './gateway.module.js';
import { GATEWAY_SETTINGS } from './gateway.tokens.js';
import { readyOf } from './gateway-view.js';
import { ConfigReload, LiveSettings } from './reload/index.js';
import { TunnelGrpcServer } from './tunnel/index.js';

/** Bodies of the admin API may be that much longer than the largest configuration, so that what is too long is told in full. */
const BODY_SLACK_BYTES = 65_536;

/** A gateway that listens on all its ports. */
export interface RunningGateway {
  app: INestApplication;
  /** of the admin API */
  adminPort: number;
  /** that agents dial */
  grpcPort: number;
  log: Log;
  /** those in force, of which some change while it runs */
  settings: GatewaySettings;
  /** looks settings up again; the log tells what came of it */
  reload(): void;
  /** opens the file of the access log anew, for whoever has moved it */
  reopenLogs(): void;
  /** Ends it in order, within `shutdown.timeoutMs`. */
  close(): Promise<void>;
}

@Module({})
class GatewayApplication {}

/**
 * Starts the gateway application: gRPC first, then the admin port, so that
 * whoever sees it ready can register.
 *
 * @param log takes the gateway's log; default: lines on stdout, as the settings say
 * @param input where the settings were looked up, so that they can change while it runs; undefined: they stay
 * @throws Error when a port cannot be bound; names the setting
 */
export async function startGateway(
  settings: GatewaySettings,
  log: Logger = createLogger('gateway', settings.log),
  input?: LoadInput,
): Promise<RunningGateway> {
  const app = await NestFactory.create<NestExpressApplication>(
    {
      module: GatewayApplication,
      imports: [
        // Nest tells every route at info; operators want to know of agents.
        LoggerModule.forRoot({
          pinoHttp: { logger: log.child({}, { level: quieter(logLevelOf(settings.log)) }), autoLogging: false },
        }),
        GatewayModule.forSettings(settings, log, undefined, input),
      ],
    },
    // Open connections of browsers must not hold up the end. What fails is told once, by who catches it.
    { bufferLogs: true, autoFlushLogs: false, abortOnError: false, forceCloseConnections: true, rawBody: true },
  );
  app.useLogger(app.get(NestLogger));
  prepareAdminApp(app);
  app.useBodyParser('json', { limit: settings.configPush.maxBytes + BODY_SLACK_BYTES });
  serveApiDocs(app);
  try {
    await app.init();
    const grpc = app.get(TunnelGrpcServer);
    limitConnections(app.getHttpServer(), log);
    const port = await listen(app, settings.http);
    log.info(readyOf(settings, port, grpc.port), 'gateway ready');
    const inForce = app.get<GatewaySettings>(GATEWAY_SETTINGS);
    app.get(LiveSettings).onChange((changed) => {
      if (changed.has('log.level') || changed.has('log.quiet')) log.level = logLevelOf(inForce.log);
    });
    const reload = app.get(ConfigReload);
    return {
      app,
      adminPort: port,
      grpcPort: grpc.port,
      log,
      settings: inForce,
      reload: () => {
        reload.reloadAndTell();
      },
      reopenLogs: () => {
        app.get(AccessLog).reopen();
      },
      close: () => app.close(),
    };
  } catch (thrown) {
    await app.close();
    throw thrown;
  }
}

/**
 * The admin port's server is one of the pool: shown, watched and restarted as those of agents are.
 *
 * @returns its port
 */
async function listen(app: INestApplication, { host, port }: GatewaySettings['http']): Promise<number> {
  const server = new PooledHttpServer('admin', { host, port }, app.getHttpServer() as Server);
  try {
    await server.start();
  } catch (thrown) {
    throw new Error(`${messageOf(thrown)} (http.host, http.port)`, { cause: thrown });
  }
  app.get(HttpServerPool).store(server);
  return server.port;
}

function quieter(level: string): string {
  return level === 'info' ? 'warn' : level;
}

function limitConnections(server: Server, log: Log): void {
  server.maxConnections = adminConnections();
  const limited = new LimitedLog(log);
  server.on('drop', () => {
    limited.warn(
      { connections: server.maxConnections },
      'connections to the admin port are dropped: it takes a sixteenth of the descriptors (LimitNOFILE, ulimit -n)',
    );
  });
}
