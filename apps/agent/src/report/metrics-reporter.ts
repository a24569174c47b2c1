import { messageOf } from '@berth/errors';
import type { LimitedLog } from '@berth/observability';
import type { MetricsReport } from '@berth/tunnel-protocol';
import type { AgentSettings } from '../agent-settings.js';
import type { LinkSignals } from '../session/signals.js';
import { readFigures } from './figures-file.js';
import { reportParts } from './report-parts.js';

/** Sends the agent's figures to its gateway now and then, over one connection that takes them. */
export class MetricsReporter {
  private timer: NodeJS.Timeout | undefined;
  private reporting = false;

  /**
   * @param link finds the connection
   * @param collect makes a report; it is only asked when there is somebody for it
   */
  constructor(
    private readonly settings: AgentSettings['metrics'],
    private readonly link: () => LinkSignals | undefined,
    private readonly collect: () => MetricsReport,
    private readonly log: LimitedLog,
  ) {}

  /** The agent has connected: reports at once, and from now on each interval. */
  readonly begin = (): void => {
    const { reportIntervalMs } = this.settings;
    if (reportIntervalMs === 0) return;
    clearInterval(this.timer);
    this.timer = setInterval(this.tick, reportIntervalMs).unref();
    this.tick();
  };

  stop(): void {
    clearInterval(this.timer);
  }

  private readonly tick = (): void => {
    // One that waits for its file, on a file system that does not answer, is one too many already.
    if (this.reporting || this.link() === undefined) return;
    this.reporting = true;
    void this.report().finally(() => (this.reporting = false));
  };

  private async report(): Promise<void> {
    const others = await this.ofFile();
    const own = this.collect();
    // Its own come last and so win, but go first: a gateway need not take everything.
    const parts = reportParts({
      gauges: { ...own.gauges, ...others.gauges, ...own.gauges },
      counters: { ...own.counters, ...others.counters, ...own.counters },
      histograms: { ...own.histograms, ...others.histograms, ...own.histograms },
    });
    const link = this.link();
    for (const part of parts) link?.metrics(part);
  }

  private async ofFile(): Promise<MetricsReport> {
    const { file } = this.settings;
    try {
      if (file !== '') return await readFigures(file);
    } catch (thrown) {
      this.log.warn({ file, reason: messageOf(thrown) }, 'the file of figures cannot be used (metrics.file)');
    }
    return { gauges: {}, counters: {}, histograms: {} };
  }
}
