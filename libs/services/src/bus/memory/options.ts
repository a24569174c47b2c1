import { wholeNumbers } from '../../numbers.js';
import { BUS_DEFAULTS, type BusOptions } from '../bus-options.js';

/** The bounds of a MemoryBus; all are whole numbers from 1. */
export interface MemoryBusOptions extends BusOptions {
  /** bytes of payload in the dead letters of each service and partition, 64 MiB; the oldest are dropped */
  readonly deadLetterBytes?: number | undefined;
}

const DEFAULTS = {
  ...BUS_DEFAULTS,
  deadLetterBytes: 64 * 1024 * 1024,
} as const satisfies Required<MemoryBusOptions>;

export interface MemoryBusLimits extends Readonly<Record<keyof typeof DEFAULTS, number>> {
  /** what sets `maxPayloadBytes`, for whoever wants to raise it */
  readonly payloadBound: string;
}

/** @throws ServicesError `BERTH_SERVICE_INVALID` for what is no whole number from 1 */
export function memoryBusLimits(options: MemoryBusOptions): MemoryBusLimits {
  return { ...wholeNumbers(options, DEFAULTS), payloadBound: 'maxPayloadBytes' };
}
