import type { MemberDefinition, ServiceDefinition } from '../definition/service-definition.js';
import { MAX_MS, MAX_PARTITION, wholeNumber } from '../numbers.js';
import { invalid, ServicesError } from '../errors.js';
import { keyProblem } from '../invocation/invocation.js';
import type { ServiceObject } from '../runtime/service-object.js';

/** What one call, or all calls through a handle, may say. */
export interface CallOptions {
  /** how long the caller waits, ms, 1..2^31-1 */
  readonly timeoutMs?: number | undefined;
  /** gives up waiting, and cancels the call where that is possible */
  readonly signal?: AbortSignal | undefined;
  /** for at-least-once methods, 1..256 bytes of UTF-8: calls of one method with the same key take effect once; default: a new one for each call */
  readonly idempotencyKey?: string | undefined;
  /** words to the method, `CallContext.options` */
  readonly options?: Readonly<Record<string, string>> | undefined;
  /**
   * the method that makes this call does not wait for it, so that it may go to an object that waits for that method;
   * default false: such a call is refused, `BERTH_SERVICE_CALL_CYCLE`
   */
  readonly detached?: boolean | undefined;
  /** 0..2^32-1; default 0, and with `services` their `defaultPartition` */
  readonly partition?: number | undefined;
}

type InputOf<A extends readonly unknown[]> = A extends readonly []
  ? []
  : undefined extends A[0]
    ? [input?: A[0]]
    : [input: A[0]];

/** A method of a service as a client sees it: its context stays at the service, and its result is awaited. */
export type RemoteMethod<F> = F extends (...args: infer A) => infer R
  ? (...input: InputOf<A>) => Promise<Awaited<R>>
  : never;

/** A field or accessor with `@Getter` or `@Setter`: read without an argument, written with one. */
export interface RemoteField<T> {
  (): Promise<T>;
  (value: T): Promise<void>;
}

/** A service, or one of its objects, as a client sees it. */
export type Remote<S extends object> = {
  readonly [K in Exclude<keyof S & string, keyof ServiceObject>]: S[K] extends (...args: never[]) => unknown
    ? RemoteMethod<S[K]>
    : RemoteField<S[K]>;
};

/** Sends one call of a member. */
export type SendCall = (member: MemberDefinition, input: unknown) => Promise<unknown>;

/** What the functions of a remote find behind `this`. */
const SEND = Symbol('send');

/** Whatever carries the call: a bad option is refused before anything is sent. @throws ServicesError `BERTH_SERVICE_INVALID` */
export function checkCallOptions(id: string, given: CallOptions): void {
  const { timeoutMs, partition, idempotencyKey, options, signal } = given;
  const where = `a client of ${id}`;
  if (timeoutMs !== undefined) wholeNumber(`${where}: timeoutMs`, timeoutMs, 1, MAX_MS);
  if (partition !== undefined) wholeNumber(`${where}: partition`, partition, 0, MAX_PARTITION);
  if (idempotencyKey !== undefined) {
    checkType(`${where}: idempotencyKey`, idempotencyKey, 'string');
    const problem = keyProblem(idempotencyKey);
    if (problem !== undefined) throw invalid(`${where}: idempotencyKey ${problem}`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalid(`${where}: signal must be an AbortSignal, such as the \`signal\` of an AbortController`);
  if (options !== undefined) {
    checkType(`${where}: options`, options, 'object', 'an object of strings by name');
    for (const [name, value] of Object.entries(options)) checkType(`${where}: options.${name}`, value, 'string');
  }
}

/** What JavaScript passes has no types. The value itself may be a secret. */
function checkType(what: string, value: unknown, type: 'string' | 'object', must = 'a string'): void {
  if (typeof value === type && value !== null) return;
  throw invalid(`${what} is ${value === null ? 'null' : `a value of type ${typeof value}`}; it must be ${must}`);
}

const prototypes = new WeakMap<ServiceDefinition, object>();

/** Makes a remote; the functions are made once for each service. */
export function remoteOf<S extends object>(definition: ServiceDefinition, send: SendCall): Remote<S> {
  let prototype = prototypes.get(definition);
  if (prototype === undefined) {
    prototype = functionsOf(definition);
    prototypes.set(definition, prototype);
  }
  return Object.create(prototype, { [SEND]: { value: send } }) as Remote<S>;
}

function functionsOf(definition: ServiceDefinition): object {
  const functions: Record<string, unknown> = {};
  for (const property of propertiesOf(definition)) {
    const method = definition.methods.get(property);
    const read = method ?? definition.getters.get(property);
    const write = method ?? definition.setters.get(property);
    functions[property] = function (this: { [SEND]?: SendCall } | undefined, ...args: unknown[]): Promise<unknown> {
      const member = args.length === 0 ? read : write;
      if (member === undefined) return Promise.reject(notOffered(definition, property, args.length === 0));
      const send = this?.[SEND];
      return send === undefined ? Promise.reject(apart(definition, property)) : send(member, args[0]);
    };
  }
  return functions;
}

/** What the language calls of its own accord: nobody would catch the rejection. */
const OF_THE_LANGUAGE = new Set(['constructor', 'toString', 'toLocaleString', 'valueOf', 'toJSON']);

/** All that the types show: what is not decorated gets an answer that says so. */
function propertiesOf({ target, members, stateFields }: ServiceDefinition): Set<string> {
  const properties = new Set([...stateFields, ...[...members.values()].map(({ property }) => property)]);
  let prototype: unknown = target.prototype;
  while (typeof prototype === 'object' && prototype !== null && prototype !== Object.prototype) {
    for (const property of Object.getOwnPropertyNames(prototype))
      if (!OF_THE_LANGUAGE.has(property)) properties.add(property);
    prototype = Object.getPrototypeOf(prototype);
  }
  properties.delete('then');
  return properties;
}

function notOffered({ id, getters, setters }: ServiceDefinition, property: string, reading: boolean): ServicesError {
  let what = 'cannot be called from outside: it has no @Method, @Getter or @Setter';
  if (reading && setters.has(property)) what = 'can only be written: it has no @Getter';
  if (!reading && getters.has(property)) what = 'can only be read: it has no @Setter';
  return new ServicesError('BERTH_SERVICE_METHOD_NOT_FOUND', `'${property}' of ${id} ${what}`);
}

function apart({ id }: ServiceDefinition, property: string): ServicesError {
  return invalid(`'${property}' of ${id} was taken off its client: call it as client.${property}()`);
}
