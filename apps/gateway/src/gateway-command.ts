import { runCommand } from '@berth/config';
import { GATEWAY } from './gateway-settings.js';

/**
 * Does what the first argument of `berth-gateway` asks for instead of a start.
 *
 * @returns exit code; undefined: start
 */
export async function gatewayCommand(argv: readonly string[]): Promise<number | undefined> {
  return await runCommand(GATEWAY, argv);
}
