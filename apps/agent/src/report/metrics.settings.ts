import { File, Integer, MAX_MS } from '@berth/config';

export class AgentMetricsSettings {
  @Integer(0, MAX_MS, {
    description: "Time between two reports of the agent's figures, which the gateway shows at its /metrics; 0: none.",
  })
  reportIntervalMs = 15_000;

  @File({
    description:
      'JSON file with figures of yours that are reported with them: gauges, counters and histograms by name, 256 KiB at the most; read for each report. Empty: none.',
  })
  file = '';
}
