import type { CallContext } from '../invocation/call-context.js';

type Primitive = string | number | boolean | null | undefined;

/** What JSON would lose or change without a word. */
type NotJson =
  | bigint
  | symbol
  | ((...args: never[]) => unknown)
  | Date
  | RegExp
  | Promise<unknown>
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ArrayBufferView
  | ArrayBuffer;

interface JsonObject {
  readonly [key: string]: JsonValue;
}
/** Any JSON; types that name themselves are compared with it first, since they have no end. */
type JsonValue = Primitive | readonly JsonValue[] | JsonObject;

/** `T` where it survives JSON, `never` at each place where it does not; `unknown` is let through. */
export type JsonShape<T> = unknown extends T
  ? T
  : T extends Primitive
    ? T
    : T extends NotJson
      ? never
      : { [K in keyof T]: JsonShape<T[K]> };

/** Whether a value of `T` comes out of JSON as it went in; `unknown` and `any` are let through. */
export type IsJson<T> = unknown extends T
  ? true
  : [T] extends [JsonValue]
    ? true
    : [T] extends [JsonShape<T>]
      ? true
      : false;

/** Whether a value of `T` can travel: JSON, text, bytes, or nothing. */
export type IsPayload<T> = [T] extends [undefined]
  ? true
  : [Exclude<T, undefined>] extends [Uint8Array]
    ? true
    : IsJson<T>;

/** A method that can be called from outside: one input at most, then the context. */
export type AnyMethod = (input: never, context: never) => unknown;

/**
 * `unknown` for a signature that can be served; otherwise an object type that
 * nothing fits, so that the decorator's error message says what is wrong.
 */
export type SignatureProblem<M> = M extends (...args: infer A) => infer R
  ? A extends readonly [input?: infer I, context?: infer C]
    ? IsPayload<I> extends false
      ? { 'the input must be JSON, a string or bytes': never }
      : unknown extends C
        ? ResultProblem<R>
        : CallContext extends C
          ? ResultProblem<R>
          : { 'the second parameter must be a CallContext': never }
    : { 'a method takes one input at most, and a CallContext': never }
  : never;

type Nothing = ReturnType<() => void>;

type ResultProblem<R> =
  Awaited<R> extends Nothing
    ? unknown
    : IsPayload<Awaited<R>> extends false
      ? { 'the result must be JSON, a string or bytes': never }
      : unknown;

/** `unknown` for a field or accessor of type `T` that can be kept or sent, see {@link SignatureProblem}. */
export type FieldProblem<T> = IsJson<T> extends false ? { 'the field must be JSON': never } : unknown;

/** `unknown` when the method's input is what the DTO class makes, see {@link SignatureProblem}. */
export type InputProblem<M, I> = unknown extends I
  ? unknown
  : M extends (input: infer P, ...rest: never[]) => unknown
    ? [I] extends [P]
      ? unknown
      : { "the method's input is not what the option `input` names": never }
    : never;
