import { runCommand } from '@berth/config';
import { AGENT } from '../agent-settings.js';

/**
 * Does what the first argument of `berth-agent` asks for instead of a start.
 *
 * @returns exit code; undefined: start
 */
export async function agentCommand(argv: readonly string[]): Promise<number | undefined> {
  return await runCommand(AGENT, argv, {
    // Loaded when asked for: an agent runs for months without.
    service: async (asked) => (await import('./service-command.js')).serviceCommand(asked),
    status: async (asked) => (await import('./status-command.js')).statusCommand(asked),
  });
}
