import { openDescriptors, rssBytes } from './proc-stats.js';
import { MiB, slope } from './numbers.js';

const SAMPLE_MS = 1000;
/** What was not yet collected comes and goes within it: its least value is what is held. */
const WINDOW_MS = 30_000;

export interface Sample {
  /** since the start, s */
  readonly atSeconds: number;
  readonly rssMiB: number;
  readonly descriptors: number;
}

/** Memory and descriptors of a process for as long as a soak lasts: the least of each half minute. */
export class SoakWatch {
  readonly samples: Sample[] = [];
  private readonly start = performance.now();
  private readonly timer: NodeJS.Timeout;
  private least = { rssMiB: Infinity, descriptors: Infinity };
  private windowEnd: number;

  constructor(
    private readonly pid: number,
    private readonly windowMs: number = WINDOW_MS,
  ) {
    this.windowEnd = windowMs;
    this.timer = setInterval(() => this.sample(), SAMPLE_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Growth per hour of what was sampled after `seconds`. */
  slopes(seconds: number): { mibPerHour: number; descriptorsPerHour: number } {
    const after = this.samples.filter(({ atSeconds }) => atSeconds >= seconds);
    const perHour = (of: 'rssMiB' | 'descriptors'): number =>
      slope(after.map((sample) => [sample.atSeconds / 3600, sample[of]]));
    return { mibPerHour: perHour('rssMiB'), descriptorsPerHour: perHour('descriptors') };
  }

  private sample(): void {
    const { least } = this;
    least.rssMiB = Math.min(least.rssMiB, rssBytes(this.pid) / MiB);
    least.descriptors = Math.min(least.descriptors, openDescriptors(this.pid));
    const at = performance.now() - this.start;
    if (at < this.windowEnd) return;
    this.samples.push({ atSeconds: at / 1000, ...least });
    this.windowEnd += this.windowMs;
    this.least = { rssMiB: Infinity, descriptors: Infinity };
  }
}
