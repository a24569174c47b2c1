import { wholeNumber } from '../../runtime/whole-number.js';

/** The bounds of a MemoryBus; all are whole numbers from 1. */
export interface MemoryBusOptions {
  /** invocations accepted and not ended, 10 000: one more is refused as BUSY */
  readonly maxPendingCalls?: number | undefined;
  /** bytes of payload in all of them, 256 MiB: more is refused as BUSY */
  readonly maxPendingBytes?: number | undefined;
  /** invocations that wait for one object, 1 000: one more is refused as BUSY */
  readonly maxQueuedPerObject?: number | undefined;
  /** invocations that wait for one stateless method, 5 000: one more is refused as BUSY */
  readonly maxQueuedPerMethod?: number | undefined;
  /** of one invocation or reply, 4 MiB: more is PAYLOAD_TOO_LARGE or a reply with BAD_RESULT */
  readonly maxPayloadBytes?: number | undefined;
  /** how many workers may die with one at-least-once invocation, 5 */
  readonly maxDeliveries?: number | undefined;
  /** the wait for a reply of an invocation without a deadline, ms, 30 000 */
  readonly defaultTimeoutMs?: number | undefined;
  /** dead letters kept for each service and partition, 1 000; the oldest are dropped */
  readonly deadLetterLimit?: number | undefined;
  /** bytes of payload in the dead letters of each service and partition, 64 MiB; the oldest are dropped */
  readonly deadLetterBytes?: number | undefined;
}

const DEFAULTS = {
  maxPendingCalls: 10_000,
  maxPendingBytes: 256 * 1024 * 1024,
  maxQueuedPerObject: 1_000,
  maxQueuedPerMethod: 5_000,
  maxPayloadBytes: 4 * 1024 * 1024,
  maxDeliveries: 5,
  defaultTimeoutMs: 30_000,
  deadLetterLimit: 1_000,
  deadLetterBytes: 64 * 1024 * 1024,
} as const satisfies Required<MemoryBusOptions>;

export type MemoryBusLimits = Readonly<Record<keyof typeof DEFAULTS, number>>;

/** @throws ServicesError `BERTH_SERVICE_INVALID` for what is no whole number from 1 */
export function memoryBusLimits(options: MemoryBusOptions): MemoryBusLimits {
  const limits: Record<string, number> = {};
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[])
    limits[name] = wholeNumber(name, options[name] ?? DEFAULTS[name]);
  return limits as MemoryBusLimits;
}
