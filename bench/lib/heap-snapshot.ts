import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Running } from './processes.js';
import { MiB } from './numbers.js';

/** For programs whose live memory is asked for with {@link liveHeapMiB}. */
export const SNAPSHOT_FLAG = '--heapsnapshot-signal=SIGUSR2';

const WRITTEN_MS = 60_000;

interface Snapshot {
  readonly snapshot: { readonly meta: { readonly node_fields: readonly string[] } };
  readonly nodes: readonly number[];
}

/**
 * What a process holds on to, in MiB: a snapshot collects all garbage first, and
 * the buffers outside the heap are in it. The process stands still meanwhile.
 *
 * @param directory where the process was started, with {@link SNAPSHOT_FLAG}
 */
export async function liveHeapMiB(running: Running, directory: string): Promise<number> {
  const { pid } = running;
  const files = (): string[] =>
    readdirSync(directory).filter((name) => name.endsWith('.heapsnapshot') && name.split('.').includes(String(pid)));
  const before = files().length;
  running.kill('SIGUSR2');
  return await running.until('a heap snapshot', WRITTEN_MS, () => {
    const all = files().toSorted();
    return all.length === before ? undefined : heldBytes(join(directory, all.at(-1) ?? ''));
  });
}

/** @returns undefined while the file is being written */
function heldBytes(file: string): number | undefined {
  const text = readFileSync(file, 'utf8');
  if (!text.trimEnd().endsWith('}')) return undefined;
  const { snapshot, nodes } = JSON.parse(text) as Snapshot;
  const { node_fields: fields } = snapshot.meta;
  let sum = 0;
  for (let at = fields.indexOf('self_size'); at < nodes.length; at += fields.length) sum += nodes[at] ?? 0;
  return sum / MiB;
}
