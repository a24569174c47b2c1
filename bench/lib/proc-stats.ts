import { readdirSync, readFileSync } from 'node:fs';

/** Linux reports CPU time in these on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const SAMPLE_MS = 50;

/** User and system time of a process with all its threads, in µs. */
export function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name in parentheses may hold spaces: count from behind it. Fields 14 and 15 are utime and stime.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS_PER_SECOND;
}

export function rssBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES;
}

/** Open file descriptors of a process. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The process and its children, e.g. an nginx master with its workers. */
export function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return [pid, ...(children === '' ? [] : children.split(' ').flatMap((child) => family(Number(child))))];
}

/** Watches the resident memory of one process; a peak shorter than 50 ms can be missed. */
export class RssWatch {
  readonly startBytes: number;
  peakBytes: number;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly pid: number) {
    this.startBytes = this.peakBytes = rssBytes(pid);
    this.timer = setInterval(() => this.sample(), SAMPLE_MS);
  }

  /** The greatest growth since the start up to now, bytes. */
  get growthBytes(): number {
    this.sample();
    return this.peakBytes - this.startBytes;
  }

  /** @returns the greatest growth since the start, in bytes */
  stop(): number {
    clearInterval(this.timer);
    return this.growthBytes;
  }

  private sample(): void {
    this.peakBytes = Math.max(this.peakBytes, rssBytes(this.pid));
  }
}
