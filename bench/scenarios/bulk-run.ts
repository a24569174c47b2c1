import { compiled } from '../lib/repository.js';
import type { Processes } from '../lib/processes.js';
import { checksum } from '../lib/pattern.js';
import { megabytesPerSecond } from '../lib/numbers.js';

export type Direction = 'down' | 'up';

interface ClientReport {
  readonly bytes: number;
  readonly ms: number;
  readonly sha256?: string;
}

/** The service for bodies, in a process of its own. @returns its port */
export async function startBulkOrigin(processes: Processes): Promise<number> {
  return Number(await processes.node('origin', compiled('bench/dist/programs/bulk-origin.js')).says(/port (\d+)/));
}

async function client(
  processes: Processes,
  args: readonly (string | number)[],
  limitMs: number,
): Promise<ClientReport> {
  const script = compiled('bench/dist/programs/bulk-client.js');
  return JSON.parse(await processes.node('client', script, args.map(String)).finishes(limitMs)) as ClientReport;
}

/** Moves a body once. @returns MB/s */
export async function move(
  processes: Processes,
  direction: Direction,
  port: number,
  bytes: number,
  limitMs = 120_000,
): Promise<number> {
  const report = await client(processes, [direction, port, bytes], limitMs);
  if (report.bytes !== bytes) throw new Error(`${direction}: ${report.bytes} of ${bytes} bytes arrived`);
  return megabytesPerSecond(bytes, report.ms);
}

/** Moves a body once more, with its checksum taken where it arrives. */
export async function arrivesIntact(
  processes: Processes,
  direction: Direction,
  port: number,
  bytes: number,
): Promise<boolean> {
  const report = await client(processes, [direction, port, bytes, 'verify'], 180_000);
  return report.bytes === bytes && report.sha256 === checksum(bytes);
}
