import type { Report } from './program.js';
import { MAX_MS } from './checks.js';
import { Choice, Integer, Switch } from './setting.js';

/** Windows are 32-bit on the wire. */
const MAX_WINDOW = 2_147_483_647;
/** A window below half a Data frame would stall every body. */
const MIN_WINDOW = 16_384;
/** Above it a head no longer fits beside other frames into one batch of 64 KiB. */
export const MAX_HEADER_BYTES = 49_152;

export class ShutdownSettings {
  @Integer(0, MAX_MS, { description: 'Time the whole shutdown may take; what is left is then cut off.', live: true })
  timeoutMs = 10_000;
}

export class LogSettings {
  @Choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    description: 'Least level that is logged.',
    live: true,
  })
  level: string = 'info';

  @Choice(['auto', 'pretty', 'json'], {
    description:
      'How lines are written: pretty, for people, or json, one object a line. auto: pretty where stdout is a terminal.',
  })
  format: 'auto' | 'pretty' | 'json' = 'auto';

  @Switch({ description: 'Older name of log.format: pretty.' })
  pretty = false;

  @Switch({ alias: '--quiet', description: 'Warnings and errors only.', live: true })
  quiet = false;
}

/** What both ends say about the credit of exchanges. */
export class WindowSettings {
  @Integer(MIN_WINDOW, MAX_WINDOW, {
    description: 'Bytes a sender may have under way on a new exchange, per direction.',
  })
  windowStartBytes = 262_144;

  @Integer(MIN_WINDOW, MAX_WINDOW, { description: 'Bytes that a window grows to at the most.' })
  windowMaxBytes = 16_777_216;

  @Integer(0, Number.MAX_SAFE_INTEGER, {
    description:
      'Bytes that all windows of the process together may grow above their start, shared fairly between agents; 0 keeps them at it.',
  })
  windowBudgetBytes = 100_663_296;

  @Integer(MIN_WINDOW, MAX_WINDOW, {
    description: 'Bytes handed to a connection before it has taken them over; above it, exchanges wait their turn.',
  })
  sendAheadBytes = 262_144;
}

/** Rule between the two bounds of windows. */
export function checkWindows({ windowStartBytes, windowMaxBytes }: WindowSettings, report: Report): void {
  if (windowMaxBytes < windowStartBytes) {
    const what = `must not be below tunnel.windowStartBytes, ${windowStartBytes}`;
    report('tunnel.windowMaxBytes', what, 'tunnel.windowStartBytes');
  }
}
