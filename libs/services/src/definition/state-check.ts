import { ServicesError } from '../errors.js';
import type { ServiceDefinition } from './service-definition.js';

/**
 * Whether the first values of the state come out of JSON as they went in.
 * Private fields pass the types unseen, so the first object is looked at.
 *
 * @throws ServicesError `BERTH_SERVICE_INVALID`
 */
export function checkStateFields({ target, stateFields }: ServiceDefinition, instance: object): void {
  for (const field of stateFields) {
    const problem = lostInJson((instance as Record<string, unknown>)[field]);
    if (problem !== undefined)
      throw new ServicesError(
        'BERTH_SERVICE_INVALID',
        `${target.name}.${field} is ${problem}, which JSON loses: keep it as text, a number, a list or a plain object`,
      );
  }
}

function lostInJson(value: unknown): string | undefined {
  if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (typeof value !== 'object' || value === null) return undefined;
  if (value instanceof Date || value instanceof Map || value instanceof Set || ArrayBuffer.isView(value))
    return `a ${value.constructor.name}`;
  return undefined;
}
