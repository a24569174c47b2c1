import { loadGatewaySettings, settingsOrExit } from '#config';
import { BerthError, messageOf } from '#errors';
import { startGateway } from './start-gateway.js';

/** Added to the whole shutdown before the process ends by force, ms. */
const FORCE_AFTER_MS = 1000;

/** `berth-gateway`: settings, start, signals, exit codes (0 ended in order, 1 could not start, 2 wrong settings). */
export async function runGateway(): Promise<void> {
  const settings = settingsOrExit(() => loadGatewaySettings());
  if (settings === undefined) return;
  try {
    const gateway = await startGateway(settings);
    endOnSignal(() => gateway.close(), settings.shutdown.timeoutMs);
  } catch (thrown) {
    process.stderr.write(`${messageOf(thrown)}\n`);
    process.exit(BerthError.from(thrown).code === 'BERTH_CONFIG_INVALID' ? 2 : 1);
  }
}

/** The first signal ends in order, within a bound; the second at once (checklist A14). */
function endOnSignal(close: () => Promise<void>, timeoutMs: number): void {
  let closing = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (closing) process.exit(signal === 'SIGINT' ? 130 : 143);
    closing = true;
    setTimeout(() => process.exit(0), timeoutMs + FORCE_AFTER_MS).unref();
    close().then(
      () => process.exit(0),
      (thrown: unknown) => {
        process.stderr.write(`${messageOf(thrown)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
