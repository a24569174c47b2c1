import 'reflect-metadata';
import { getMetadataStorage } from 'class-validator';
import type { InputKind } from './service-definition.js';

/** What the option `input` may say where the parameter's type says too little. */
export type InputOption = 'json' | 'text' | 'bytes' | (new () => object);

/**
 * How the input of a method is read: from the option `input`, else from the
 * parameter's type as the compiler left it (`emitDecoratorMetadata`), else JSON.
 */
export function inputKindOf(prototype: object, property: string, option: InputOption | undefined): InputKind {
  if (typeof option === 'string') return { kind: option };
  if (option !== undefined) return { kind: 'dto', type: option };
  const parameters = Reflect.getMetadata('design:paramtypes', prototype, property) as unknown[] | undefined;
  // Compilers leave no type where a parameter's type is inferred: that is JSON like no metadata at all.
  return parameters?.length === 0 ? { kind: 'none' } : kindOfType(parameters?.[0]);
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

/** Whether class-validator knows rules of a class; a class without any is JSON like another. */
function isValidated(type: unknown): type is new () => object {
  if (typeof type !== 'function' || type === Object || type === Array) return false;
  return getMetadataStorage().getTargetValidationMetadatas(type, '', false, false).length > 0;
}
