import { plainToInstance } from 'class-transformer';
import { getMetadataStorage } from 'class-validator';
import { invalid } from '../errors.js';
import type { InputKind } from './service-definition.js';

/** How a written field is read, where its type does not say it. */
export type FieldInputName = 'json' | 'text' | 'number' | 'boolean';

/** How a payload is read, where the parameter's type does not say it. */
export type InputName = FieldInputName | 'bytes';

/**
 * How the input of a method is read: from the option `input`, else from the parameter's type as the compiler left it
 * (`emitDecoratorMetadata`), else JSON.
 *
 * @param where names the method in messages
 * @throws ServicesError `BERTH_SERVICE_INVALID` a DTO without rules, one whose Date stays text, or one that is imported
 *   as a type
 */
export function inputKindOf(
  where: string,
  prototype: object,
  property: string,
  option: InputName | (new () => object) | undefined,
): InputKind {
  if (typeof option === 'function') {
    const properties = propertiesWithRules(option);
    if (properties.length === 0) throw invalid(`${where}: the class ${option.name} has no rules of class-validator`);
    const date = properties.find((name) => isDateLeftAsText(option, name));
    if (date !== undefined)
      throw invalid(`${where}: ${option.name}.${date} is a Date, and JSON has text: add @Type(() => Date)`);
  }
  if (option !== undefined) return option;
  const parameters = Reflect.getMetadata('design:paramtypes', prototype, property) as unknown[] | undefined;
  // Compilers leave no type where a parameter's type is inferred: that is JSON like no metadata at all.
  if (parameters?.length === 0) return 'none';
  // What the compiler leaves of a class that was imported as a type only: its rules would be skipped in silence.
  if (parameters?.[0] === Function)
    throw invalid(`${where}: the class of its input is imported as a type: import it as a value, or say \`input\``);
  return kindOfType(parameters?.[0]);
}

/** Of a field or accessor that is written. */
export function fieldKindOf(prototype: object, property: string, option: FieldInputName | undefined): InputKind {
  if (option !== undefined) return option;
  const type: unknown = Reflect.getMetadata('design:type', prototype, property);
  // Of an inferred type tsc leaves Object, as of a union, and swc nothing.
  return type === Object || type === undefined ? 'unseen' : kindOfType(type);
}

const KINDS = new Map<unknown, InputName>([
  [String, 'text'],
  [Number, 'number'],
  [Boolean, 'boolean'],
  [Uint8Array, 'bytes'],
  [Buffer, 'bytes'],
]);

function kindOfType(type: unknown): InputKind {
  // A class without rules is JSON like another.
  const hasRules = typeof type === 'function' && propertiesWithRules(type).length > 0;
  return KINDS.get(type) ?? (hasRules ? (type as new () => object) : 'json');
}

/** Of which class-validator knows rules. */
function propertiesWithRules(type: object): string[] {
  const rules = getMetadataStorage().getTargetValidationMetadatas(type as () => unknown, '', false, false);
  return rules.map(({ propertyName }) => propertyName);
}

/** The types let a DTO have Dates, since class-transformer can make them; whether it does is tried. */
function isDateLeftAsText(type: new () => object, property: string): boolean {
  if (Reflect.getMetadata('design:type', type.prototype as object, property) !== Date) return false;
  try {
    const made = plainToInstance(type, { [property]: '1970-01-01T00:00:00.000Z' }) as Record<string, unknown>;
    return typeof made[property] === 'string';
  } catch {
    // It wants more than one property: nothing is known, and each call is validated.
    return false;
  }
}
