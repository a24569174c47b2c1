import { invalid } from '../errors.js';
import type { FieldInputName } from './input-kind.js';
import type { ServiceDefinition } from './service-definition.js';

/**
 * What only an object shows: whether the first values of its state come out of JSON as they went in (private fields
 * pass the types unseen), and whether its written fields are checked by something. Inferred types (`step = 1`) leave
 * nothing to check by; a first value alone is no type, since the field may be `number | null`: so the author of a
 * `@Setter` has to say it.
 *
 * @throws ServicesError `BERTH_SERVICE_INVALID`
 */
export function checkStateFields({ target, stateFields, setters }: ServiceDefinition, instance: object): void {
  for (const field of stateFields) {
    const problem = lostInJson((instance as Record<string, unknown>)[field]);
    if (problem !== undefined)
      throw invalid(
        `${target.name}.${field} is ${problem}, which JSON loses: keep it as text, a number, a list or a plain object`,
      );
  }
  for (const [field, { input }] of setters) {
    if (input !== 'unseen') continue;
    // An accessor's value would have to be asked for, which may do anything.
    const value: unknown = Object.getOwnPropertyDescriptor(instance, field)?.value;
    const word = NAMES[typeof value];
    if (word !== undefined)
      throw invalid(
        `${target.name}.${field} can be written, and the compiler leaves no type to check it by: write its type out (\`${field}: ${typeof value}\`), or say @Setter({ input: '${word}' }), 'json' for any JSON`,
      );
  }
}

function lostInJson(value: unknown): string | undefined {
  if (['bigint', 'function', 'symbol'].includes(typeof value)) return `a ${typeof value}`;
  if (value instanceof Date || value instanceof Map || value instanceof Set || ArrayBuffer.isView(value))
    return `a ${value.constructor.name}`;
  return undefined;
}

const NAMES: Readonly<Record<string, FieldInputName>> = { string: 'text', number: 'number', boolean: 'boolean' };
