import { open } from 'node:fs/promises';
import type { Histogram, MetricsReport } from '@berth/tunnel-protocol';

const MAX_BYTES = 262_144;
/** Of a name with its labels; a gateway takes no longer one. */
const MAX_NAME_CHARS = 512;
/** Of a histogram: it has to fit into one message of the tunnel. */
const MAX_BUCKETS = 1000;

/**
 * Figures that another program has written:
 * `{"gauges": {"queue_length{queue=\"mail\"}": 3}, "counters": {"mails": 17}, "histograms": {"wait_seconds":
 * {"bounds": [0.1, 1], "counts": [3, 2, 1], "sum": 4.5}}}`, all three parts at will. Counts are those of each bucket
 * alone, one more than bounds.
 *
 * @throws Error that says what is wrong with the file
 */
export async function readFigures(path: string): Promise<MetricsReport> {
  const all: unknown = JSON.parse(await readBounded(path));
  if (!isRecord(all)) throw new Error('it is no JSON object');
  const { gauges = {}, counters = {}, histograms = {}, ...others } = all;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new Error(`it has "${unknown}" beside gauges, counters and histograms`);
  return {
    gauges: checked(gauges, 'gauges', isNumber, 'a number'),
    counters: checked(counters, 'counters', isTotal, 'a whole number from 0'),
    histograms: checked(histograms, 'histograms', isHistogram, 'bounds, counts (one more than bounds) and a sum'),
  };
}

async function readBounded(path: string): Promise<string> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(MAX_BYTES + 1) });
  if (bytesRead > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
  return buffer.toString('utf8', 0, bytesRead);
}

function checked<T>(part: unknown, name: string, is: (value: unknown) => value is T, what: string): Record<string, T> {
  if (!isRecord(part)) throw new Error(`${name} is no JSON object`);
  for (const [key, value] of Object.entries(part)) {
    if (key.length > MAX_NAME_CHARS) throw new Error(`${name}: a name has more than ${MAX_NAME_CHARS} characters`);
    if (!is(value)) throw new Error(`${name}: the value of "${key}" must be ${what}`);
  }
  return part as Record<string, T>;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

/** A whole number of the 64 bits that the wire has, as exact as JavaScript has it. */
function isTotal(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isHistogram(value: unknown): value is Histogram {
  if (!isRecord(value)) return false;
  const { bounds, counts, sum } = value;
  if (!Array.isArray(bounds) || !Array.isArray(counts) || !isNumber(sum)) return false;
  if (counts.length > MAX_BUCKETS) return false;
  return bounds.every(isNumber) && counts.every(isTotal) && counts.length === bounds.length + 1;
}
