import type { Histogram, MetricsReport } from '@berth/tunnel-protocol';

/** Of one report: a gateway refuses messages above 131,072 bytes, and with them the connection. */
const MAX_PART_BYTES = 98_304;
/** Beside its name: a number with the frames of its map entry, bytes; more than it takes. */
const ENTRY_BYTES = 32;
/** A bucket of a histogram: bound and count, bytes. */
const BUCKET_BYTES = 20;

interface Part extends MetricsReport {
  gauges: Record<string, number>;
  counters: Record<string, number>;
  histograms: Record<string, Histogram>;
}

/** A report in as many as its size takes; a single series is never that large (figures-file.ts). */
export function reportParts({ gauges, counters, histograms }: MetricsReport): MetricsReport[] {
  const parts: Part[] = [];
  let left = 0;
  const partFor = (name: string, bytes: number): Part => {
    const size = Buffer.byteLength(name) + ENTRY_BYTES + bytes;
    if (parts.length === 0 || size > left) {
      parts.push({ gauges: {}, counters: {}, histograms: {} });
      left = MAX_PART_BYTES;
    }
    left -= size;
    return parts.at(-1) as Part;
  };
  for (const [name, value] of Object.entries(gauges)) partFor(name, 0).gauges[name] = value;
  for (const [name, value] of Object.entries(counters)) partFor(name, 0).counters[name] = value;
  for (const [name, value] of Object.entries(histograms)) {
    partFor(name, value.counts.length * BUCKET_BYTES).histograms[name] = value;
  }
  return parts;
}
