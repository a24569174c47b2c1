import 'reflect-metadata';
import { AgentError, invalid, ServicesError } from '../errors.js';
import type { InputName } from './input-kind.js';
import type { MethodOptions } from './method-decorators.js';

/** A class of services; how its instances are made is the runtime's business. */
export type ServiceClass<T extends object = object> = abstract new (...args: never[]) => T;

/**
 * How a payload becomes a method's input: by a word of the option `input`, or as JSON that class-validator checks by
 * the rules of a class. `none`: there is no input, a payload is ignored; `unseen`: JSON, because the compiler left no
 * type of a field, see `checkStateFields`.
 */
export type InputKind = InputName | 'none' | 'unseen' | (new () => object);

/** One thing of a service that can be called: the options of its decorator with their defaults; `name` is `fn_id`. */
export interface MemberDefinition extends Required<Omit<MethodOptions, 'input' | 'timeoutMs'>> {
  /** in the class */
  readonly property: string;
  readonly kind: 'method' | 'getter' | 'setter';
  /** absent: the runtime's default */
  readonly timeoutMs: number | undefined;
  readonly input: InputKind;
}

/** What a decorated class says of itself. */
export interface ServiceDefinition {
  /** `package.Service`, `cls_id` on the wire */
  readonly id: string;
  readonly name: string;
  readonly package: string;
  readonly target: ServiceClass;
  /** by wire name */
  readonly members: ReadonlyMap<string, MemberDefinition>;
  /** the methods by property */
  readonly methods: ReadonlyMap<string, MemberDefinition>;
  /** fields and accessors that can be read, by property */
  readonly getters: ReadonlyMap<string, MemberDefinition>;
  /** fields and accessors that can be written, by property */
  readonly setters: ReadonlyMap<string, MemberDefinition>;
  /** fields that are kept in the object store */
  readonly stateFields: readonly string[];
}

/** What the decorators inside a class have said, and those inside of what it extends, for `@Service` to collect. */
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

/** All classes decorated so far, in order. */
export const definitions = new Map<ServiceClass, ServiceDefinition>();

/** The definition of a class, `undefined` where `@Service` is missing. */
export function definitionOf(target: ServiceClass): ServiceDefinition | undefined {
  return definitions.get(target);
}

/**
 * The definition of a class that has to have one.
 *
 * @param ErrorClass AgentError where an agent is asked for (checklist B5), else ServicesError
 * @throws ErrorClass `BERTH_SERVICE_INVALID` `@Service` is missing
 */
export function requireDefinition(
  target: ServiceClass,
  ErrorClass: typeof ServicesError | typeof AgentError = ServicesError,
): ServiceDefinition {
  const definition = definitions.get(target);
  if (definition !== undefined) return definition;
  // The words of checklist B5 stand alone; elsewhere there is room for the cause.
  const cause = ErrorClass === AgentError ? '' : ': @Service is missing';
  throw invalid(`Service class ${target.name} not registered${cause}`, ErrorClass);
}
