import 'reflect-metadata';
import { getMetadataStorage } from 'class-validator';
import { ServicesError } from '../errors.js';
import type { InputKind } from './service-definition.js';

/** What the option `input` may say where the parameter's type says too little. */
export type InputOption = 'json' | 'text' | 'bytes' | (new () => object);

/**
 * How the input of a method is read: from the option `input`, else from the
 * parameter's type as the compiler left it (`emitDecoratorMetadata`), else JSON.
 *
 * @throws ServicesError `BERTH_SERVICE_INVALID` a DTO without rules, or one that is imported as a type
 */
export function inputKindOf(prototype: object, property: string, option: InputOption | undefined): InputKind {
  if (typeof option === 'string') return { kind: option };
  if (option !== undefined) {
    if (hasRules(option)) return { kind: 'dto', type: option };
    throw invalid(prototype, property, `the class ${option.name} has no rules of class-validator`);
  }
  const parameters = Reflect.getMetadata('design:paramtypes', prototype, property) as unknown[] | undefined;
  // Compilers leave no type where a parameter's type is inferred: that is JSON like no metadata at all.
  if (parameters?.length === 0) return { kind: 'none' };
  // What the compiler leaves of a class that was imported as a type only: its rules would be skipped in silence.
  if (parameters?.[0] === Function)
    throw invalid(
      prototype,
      property,
      'the class of its input is imported as a type: import it as a value, or say `input`',
    );
  return kindOfType(parameters?.[0]);
}

/** Of a field or accessor that is written. */
export function fieldKindOf(prototype: object, property: string): InputKind {
  return kindOfType(Reflect.getMetadata('design:type', prototype, property));
}

function kindOfType(type: unknown): InputKind {
  if (type === String) return { kind: 'text' };
  if (type === Number) return { kind: 'number' };
  if (type === Boolean) return { kind: 'boolean' };
  if (type === Uint8Array || type === Buffer) return { kind: 'bytes' };
  if (isValidated(type)) return { kind: 'dto', type };
  return { kind: 'json' };
}

/** A class without rules is JSON like another. */
function isValidated(type: unknown): type is new () => object {
  return typeof type === 'function' && type !== Object && type !== Array && hasRules(type);
}

/** Whether class-validator knows rules of a class. */
function hasRules(type: object): boolean {
  return getMetadataStorage().getTargetValidationMetadatas(type as () => unknown, '', false, false).length > 0;
}

function invalid(prototype: object, property: string, what: string): ServicesError {
  return new ServicesError('BERTH_SERVICE_INVALID', `${prototype.constructor.name}.${property}: ${what}`);
}
