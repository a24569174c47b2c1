import { closeSync, openSync, readFileSync } from 'node:fs';
import { devNull, totalmem } from 'node:os';

/** Of the descriptors, what connections may take; the rest is for agents, the admin port, files and name lookups. */
const CONNECTIONS_SHARE = 0.75;

/**
 * What one connection costs with all that belongs to it, bytes. Idle WebSockets took 7 KB at the gateway and 8 KB at
 * the agent (10,000 of one agent), most of it outside the heap; the rest is for what is not idle.
 */
const CONNECTION_BYTES = 32_768;

/** Of the memory, what idle connections may take. */
const MEMORY_SHARE = 0.5;

/** How often somebody looks whether a descriptor is to be had, ms. */
const PROBE_MS = 1000;

/**
 * How many descriptors the process may have open (`ulimit -n`; Node raises the
 * soft limit to the hard one when it starts).
 *
 * @returns `Infinity` where there is no limit, or none that can be read (Windows)
 */
export function descriptorLimit(): number {
  return linuxLimit() ?? reportedLimit() ?? Infinity;
}

/**
 * Connections that the process can hold: three quarters of its descriptors, and
 * no more than fit idle into half of its memory.
 *
 * @param descriptors as {@link descriptorLimit} says
 * @param memoryBytes of the machine or the container
 * @returns at least 1
 */
export function connectionCapacity(descriptors = descriptorLimit(), memoryBytes = memoryLimit()): number {
  const byMemory = (memoryBytes * MEMORY_SHARE) / CONNECTION_BYTES;
  return Math.max(1, Math.floor(Math.min(descriptors * CONNECTIONS_SHARE, byMemory)));
}

/** What {@link watchDescriptors} tells. */
export interface DescriptorEvents {
  /** no descriptor is left; `open` of them are in use */
  exhausted(open: number): void;
  /** there are some again, after so many ms */
  recovered(lastedMs: number): void;
}

/**
 * Looks once a second whether a descriptor can be had. It has to be looked for:
 * when there is none, libuv closes connections that come and tells nobody.
 * Each episode is told once, and its end.
 *
 * @param probe throws `EMFILE` or `ENFILE` when there is none
 * @returns ends the watch
 */
export function watchDescriptors(
  events: DescriptorEvents,
  limit = descriptorLimit(),
  probe = openAndClose,
  everyMs = PROBE_MS,
): () => void {
  let since: number | undefined;
  const timer = setInterval(() => {
    const exhausted = isExhausted(probe);
    if (exhausted && since === undefined) {
      since = performance.now();
      events.exhausted(limit);
    } else if (!exhausted && since !== undefined) {
      events.recovered(Math.round(performance.now() - since));
      since = undefined;
    }
  }, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/** Whether an error says that process or system have no descriptor left. */
export function isDescriptorError(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return error.code === 'EMFILE' || error.code === 'ENFILE';
}

function isExhausted(probe: () => void): boolean {
  try {
    probe();
    return false;
  } catch (thrown) {
    return isDescriptorError(thrown);
  }
}

function openAndClose(): void {
  closeSync(openSync(devNull, 'r'));
}

function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

function linuxLimit(): number | undefined {
  try {
    return toNumber(/^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]);
  } catch {
    return undefined;
  }
}

/** Elsewhere than on Linux; the report takes some ms, so it is the second choice. */
function reportedLimit(): number | undefined {
  try {
    const report = process.report as typeof process.report & { excludeNetwork: boolean };
    report.excludeNetwork = true;
    const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } };
    return toNumber(userLimits?.open_files?.soft);
  } catch {
    return undefined;
  }
}

function toNumber(limit: number | string | undefined): number | undefined {
  if (limit === undefined) return undefined;
  if (limit === 'unlimited') return Infinity;
  const number = Number(limit);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}
