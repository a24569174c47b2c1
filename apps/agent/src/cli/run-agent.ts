import { setLogger } from '@grpc/grpc-js';
import { loadAgentSettings } from '../agent-settings.js';
import { settingsOrExit } from '@berth/config';
import { messageOf } from '@berth/errors';
import { endOnSignals, standardOutput } from '@berth/node-runtime';
import { createLogger } from '@berth/observability';
import type { AgentAddress } from '../session/agent-address.js';
import { type RunningAgent, launchAgent } from '../launch-agent.js';
import { EXIT } from './command-line.js';
import { reloadAgent } from './reload-agent.js';

/** `berth-agent`: settings, start, the address on stdout, signals, exit codes. */
export async function runAgent(): Promise<void> {
  const settings = settingsOrExit(() => loadAgentSettings());
  if (settings === undefined) return;
  const log = createLogger('agent', settings.log, 2);
  // By itself it prints; what people need of it they are told by us.
  setLogger({
    error: (text: unknown) => {
      log.debug({ text }, 'gRPC says');
    },
  });
  let agent: RunningAgent;
  try {
    agent = launchAgent(settings, { log });
  } catch (thrown) {
    standardOutput(2).write(`${messageOf(thrown)}\n`);
    process.exitCode = EXIT.settings;
    return;
  }
  const reloading = reloadAgent(agent, settings, log);
  const shown = new Set<string>();
  const show = ({ services }: AgentAddress): void => {
    const lines: string[] = [];
    for (const { name, target, url } of services) {
      const unknown =
        settings.protocol === 'silo'
          ? `connected to ${settings.gateway}, which alone knows the port`
          : `no port at ${settings.gateway}`;
      const suffix = services.length > 1 ? ` (${name})` : '';
      lines.push(`${url === '' ? unknown : url} -> ${target}${suffix}`);
    }
    for (const line of lines) if (!shown.has(line)) standardOutput(1).write(`${line}\n`);
    shown.clear();
    for (const line of lines) shown.add(line);
  };
  agent.client.on('ready', (address) => {
    shown.clear();
    show(address);
  });
  agent.client.on('services', show);
  agent.client.on('lost', ({ reason, retryInMs }) => {
    standardOutput(1).write(`disconnected: ${reason.message}; next attempt in ${(retryInMs / 1000).toFixed(1)} s\n`);
  });
  endOnSignals(
    () => {
      reloading.close();
      void agent.stop().finally(() => process.exit(EXIT.ended));
    },
    () => {
      reloading.reload();
    },
  );
  const reason = await agent.gaveUp;
  standardOutput(2).write(`${reason.code}: ${reason.message}\n`);
  process.exit(EXIT.refused);
}
