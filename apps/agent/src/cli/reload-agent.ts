import { type LoadInput, Reloader, watchFiles, type WatchOptions } from '@berth/config';
import { type Log, logLevelOf } from '@berth/observability';
import { AGENT, type AgentSettings, agentSettingsFile, loadAgentSettings } from '../agent-settings.js';
import type { RunningAgent } from '../launch-agent.js';

/** Looks the settings of a running agent up again, when its file changes or somebody asks. */
export interface AgentReload {
  /** now, as SIGHUP asks for */
  reload(): void;
  /** watches the file no longer */
  close(): void;
}

/**
 * @param started settings as they were loaded
 * @param log says what came of it; its level is a setting as well
 * @param input as they were loaded from
 */
export function reloadAgent(
  agent: Pick<RunningAgent, 'change'>,
  started: AgentSettings,
  log: Log & { level: string },
  input: LoadInput = {},
  options: WatchOptions = {},
): AgentReload {
  const reloader = new Reloader(AGENT, started, () => loadAgentSettings(input));
  const reload = (): void => {
    const result = reloader.reload((settings) => {
      agent.change(settings);
      log.level = logLevelOf(settings.log);
    });
    if (result.kind === 'refused') {
      log.error({ problems: result.problems.split('\n') }, `settings stay as they were: ${result.problems}`);
      return;
    }
    const { changed, needRestart, warnings } = result;
    for (const warning of warnings) log.warn(warning);
    if (changed.length > 0) log.info({ settings: changed }, `settings have changed: ${changed.join(', ')}`);
    if (needRestart.length > 0) log.warn({ settings: needRestart }, `needs a restart: ${needRestart.join(', ')}`);
    if (changed.length + needRestart.length === 0) log.info('settings are as they were');
  };
  const watching = watchFiles([agentSettingsFile(input)], reload, options);
  return {
    reload,
    close: () => {
      watching.close();
    },
  };
}
