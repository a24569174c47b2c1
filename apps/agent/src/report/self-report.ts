import { watchDescriptors } from '@berth/node-runtime';
import { LimitedLog, type Log } from '@berth/observability';
import type { AgentSettings } from '../agent-settings.js';
import type { AgentClient } from '../session/agent-client.js';
import { agentReport, type ReportedService } from './agent-report.js';
import { LoopDelay } from './loop-delay.js';
import { MetricsReporter } from './metrics-reporter.js';

export interface SelfReport {
  begin(): void;
  stop(): void;
}

/**
 * Has an agent tell its gateway of its process: that it has no descriptors
 * left, and its figures.
 *
 * @param services whose figures they are
 * @returns `begin`: reports at once, for an agent that is connected already; `stop` ends it
 */
export function reportSelf(
  settings: AgentSettings['metrics'],
  client: AgentClient,
  services: () => readonly ReportedService[],
  log: Log,
): SelfReport {
  const { signals } = client;
  const stopWatching = watchDescriptors({
    exhausted: (open) => {
      signals.setPaused(true);
      log.error(
        { open },
        'no descriptors left: exchanges fail until some are free; raise the limit (LimitNOFILE, ulimit -n) or lower local.maxConnections',
      );
    },
    recovered: (lastedMs) => {
      signals.setPaused(false);
      log.info({ lastedMs }, 'descriptors are free again');
    },
  });
  const loop = new LoopDelay();
  const reporter = new MetricsReporter(
    settings,
    () => signals.metricsLink,
    () => agentReport(services(), loop),
    new LimitedLog(log),
  );
  client.on('ready', reporter.begin);
  return {
    begin: reporter.begin,
    stop: () => {
      client.off('ready', reporter.begin);
      reporter.stop();
      loop.stop();
      stopWatching();
    },
  };
}
