import { invalid } from '../errors.js';
import type { FieldInputName } from './input-kind.js';
import type { ServiceDefinition } from './service-definition.js';

/**
 * What only an object shows: {@link checkFirstState} and {@link checkWrittenFields}.
 *
 * @throws ServicesError `BERTH_SERVICE_INVALID`
 */
export function checkStateFields(definition: ServiceDefinition, instance: object): void {
  checkFirstState(definition, instance);
  checkWrittenFields(definition, instance);
}

/**
 * Whether the first values of the state come out of JSON as they went in.
 * Private fields pass the types unseen, so the first object is looked at.
 */
function checkFirstState({ target, stateFields }: ServiceDefinition, instance: object): void {
  for (const field of stateFields) {
    const problem = lostInJson((instance as Record<string, unknown>)[field]);
    if (problem !== undefined)
      throw invalid(
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

/**
 * Refuses a `@Setter` whose field is checked by nothing, although its first value
 * says what it is. Inferred types (`step = 1`) leave nothing to check by. A first
 * value alone is no type, since the field may be `number | null`: so its author
 * has to say it.
 */
function checkWrittenFields({ target, setters }: ServiceDefinition, instance: object): void {
  for (const [field, { input }] of setters) {
    if (input.kind !== 'json' || input.typeUnseen !== true) continue;
    // An accessor's value would have to be asked for, which may do anything.
    const value: unknown = Object.getOwnPropertyDescriptor(instance, field)?.value;
    const word = NAMES[typeof value];
    if (word !== undefined)
      throw invalid(
        `${target.name}.${field} can be written, and the compiler leaves no type to check it by: write its type out (\`${field}: ${typeof value}\`), or say @Setter({ input: '${word}' }), 'json' for any JSON`,
      );
  }
}

const NAMES: Readonly<Record<string, FieldInputName>> = { string: 'text', number: 'number', boolean: 'boolean' };
