import 'reflect-metadata';
import type { MemberDefinition } from './service-definition.js';

/** What the decorators inside a class have said, and those inside of what it extends, before `@Service` collects it. */
export interface Declarations {
  /** by kind and property: what a class declares again replaces what it inherits */
  readonly members: Map<string, MemberDefinition>;
  readonly stateFields: Set<string>;
}

const DECLARATIONS = Symbol('declarations');

/** @param prototype of the class */
export function declarationsOf(prototype: object): Declarations {
  const own = Reflect.getOwnMetadata(DECLARATIONS, prototype) as Declarations | undefined;
  if (own !== undefined) return own;
  const inherited = Reflect.getMetadata(DECLARATIONS, prototype) as Declarations | undefined;
  const declarations = { members: new Map(inherited?.members), stateFields: new Set(inherited?.stateFields) };
  Reflect.defineMetadata(DECLARATIONS, declarations, prototype);
  return declarations;
}
