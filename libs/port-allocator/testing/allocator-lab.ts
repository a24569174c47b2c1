import { PortAllocatorService, type PortAllocatorOptions } from '../src/index.js';

export interface Warning {
  message: string;
  fields: Record<string, unknown>;
}

/** A service with three ports, and what it warned of. */
export function make(options: Partial<PortAllocatorOptions> = {}): {
  ports: PortAllocatorService;
  warnings: Warning[];
} {
  const warnings: Warning[] = [];
  const warn = (message: string, fields: Record<string, unknown>): void => void warnings.push({ message, fields });
  const ports = new PortAllocatorService({ range: { start: 8100, end: 8102 }, now: () => 1000, warn, ...options });
  return { ports, warnings };
}

/** What a call throws; nothing when it does not. */
export function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}
