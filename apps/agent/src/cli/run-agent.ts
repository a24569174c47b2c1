import { setLogger } from '@grpc/grpc-js';
import { AGENT, loadAgentSettings } from '../agent-settings.js';
import { settingsOf, settingsOrExit } from '@berth/config';
import { messageOf } from '@berth/errors';
import { endOnSignals, standardOutput } from '@berth/node-runtime';
import { printable } from '@berth/observability';
import { type RunningAgent, launchAgent } from '../launch-agent.js';
import { agentDisplay } from '../terminal/display.js';
import { EXIT } from './command-line.js';
import { reloadAgent } from './reload-agent.js';
import { listenForStatus } from '../status/status-socket.js';

/** Where a setting can be given, for people at a command line. */
function flagOf(path: string): string {
  const setting = settingsOf(AGENT).find((one) => one.path === path);
  return [setting?.alias ?? setting?.flag ?? path, setting?.sharedEnv]
    .filter((name) => name !== undefined)
    .join(' or ');
}

/** `berth-agent`: settings, start, what is shown, signals, exit codes. */
export async function runAgent(): Promise<void> {
  const settings = settingsOrExit(() => loadAgentSettings());
  if (settings === undefined) return;
  const display = agentDisplay(settings);
  const { log } = display;
  // By itself it prints; what people need of it they are told by us.
  setLogger({
    error: (text: unknown) => {
      log.debug({ text }, 'gRPC says');
    },
  });
  let agent: RunningAgent;
  try {
    agent = launchAgent(settings, { log, nameOf: flagOf });
  } catch (thrown) {
    standardOutput(2).write(`${messageOf(thrown)}\n`);
    process.exitCode = EXIT.settings;
    return;
  }
  const reloading = reloadAgent(agent, settings, log);
  display.follow(agent.client);
  const statusSocket = listenForStatus(() => agent.status(), log);
  endOnSignals(
    () => {
      reloading.close();
      statusSocket.close();
      void agent.stop().finally(() => process.exit(EXIT.ended));
    },
    () => {
      reloading.reload();
    },
  );
  const reason = await agent.gaveUp;
  statusSocket.close();
  // The gateway's words: a terminal is not to obey them.
  standardOutput(2).write(`${reason.code}: ${printable(reason.message)}\n`);
  // Its last spans still have to leave.
  await agent.stop(0);
  process.exit(EXIT.refused);
}
