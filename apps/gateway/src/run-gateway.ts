import { setLogger } from '@grpc/grpc-js';
import { loadGatewaySettings } from './gateway-settings.js';
import { settingsOrExit } from '@berth/config';
import { BerthError, messageOf } from '@berth/errors';
import { endOnSignals, standardOutput } from '@berth/node-runtime';
import { createLogger, styleFor } from '@berth/observability';
import type { Logger } from 'pino';
import { gatewayView } from './gateway-view.js';
import { ownAddresses, quickStartHint } from './quick-start.js';
import { type RunningGateway, startGateway } from './start-gateway.js';

/** Added to the whole shutdown before the process ends by force, ms. */
const FORCE_AFTER_MS = 1000;

/**
 * `berth-gateway`: settings, start, signals, exit codes (0 ended in order, 1 could not start, 2 wrong settings).
 *
 * @param madeToken secret that was made for this run, which is shown; empty: none, and only how to go on is shown
 */
export async function runGateway(madeToken?: string): Promise<void> {
  const settings = settingsOrExit(() => loadGatewaySettings());
  if (settings === undefined) return;
  try {
    const view = gatewayView(styleFor(1), () => log.isLevelEnabled('debug'));
    const log: Logger = createLogger('gateway', settings.log, 1, view);
    // By itself it prints; what people need of it they are told by us.
    setLogger({
      error: (text: unknown) => {
        log.debug({ text }, 'gRPC says');
      },
    });
    let inForce = settings;
    const starting = startGateway(settings, log, {});
    // From before it says that it is ready: whoever waits for that word sends signals next.
    const whenStarted = (act: (gateway: RunningGateway) => void): void => {
      starting.then(act, () => undefined);
    };
    process.on('SIGUSR2', () => {
      whenStarted((gateway) => {
        gateway.reopenLogs();
      });
    });
    endOnSignals(
      () => {
        end(async () => (await starting).close(), inForce.shutdown.timeoutMs);
      },
      () => {
        whenStarted((gateway) => {
          gateway.reload();
        });
      },
    );
    const gateway = await starting;
    inForce = gateway.settings;
    const byNpm = process.env['npm_lifecycle_event'] === 'gateway';
    if (process.stdout.isTTY && (byNpm || madeToken !== undefined)) {
      const agent = byNpm ? 'npm run agent --' : 'berth-agent';
      const parts = { grpcPort: gateway.grpcPort, madeToken: madeToken ?? '', agent, addresses: ownAddresses() };
      standardOutput(1).write(quickStartHint(gateway.settings, parts));
    }
  } catch (thrown) {
    standardOutput(2).write(`${messageOf(thrown)}\n`);
    process.exit(BerthError.from(thrown).code === 'BERTH_CONFIG_INVALID' ? 2 : 1);
  }
}

/** Ends in order, within a bound (checklist A14). */
function end(close: () => Promise<void>, timeoutMs: number): void {
  setTimeout(() => process.exit(0), timeoutMs + FORCE_AFTER_MS).unref();
  close().then(
    () => process.exit(0),
    (thrown: unknown) => {
      standardOutput(2).write(`${messageOf(thrown)}\n`);
      process.exit(1);
    },
  );
}
