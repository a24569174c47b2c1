import type { CallContext } from '../invocation/call-context.js';

type Primitive = string | number | boolean | null | undefined;

/**
 * What JSON would lose or change without a word. An Error, which becomes `{}`, is told from data with a name and a
 * message by what only errors have.
 */
type NotJson<T> =
  | ('stack' | 'cause' extends keyof T ? Error : never)
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
type JsonShape<T> = unknown extends T
  ? T
  : T extends Primitive
    ? T
    : T extends NotJson<T>
      ? never
      : { [K in keyof T]: JsonShape<T[K]> };

/** Whether a value of `T` comes out of JSON as it went in; `unknown` and `any` are let through. */
type IsJson<T> = unknown extends T ? true : [T] extends [JsonValue] ? true : [T] extends [JsonShape<T>] ? true : false;

/** Whether a value of `T` can travel: JSON, text, bytes, or nothing. */
type IsPayload<T> = [Exclude<T, undefined>] extends [Uint8Array] ? true : IsJson<T>;

/** `unknown` where all is well, else an object type that nothing fits: the compiler's message ends with its key. */
type Unless<Fine extends boolean, Problem extends string> = [Fine] extends [true] ? unknown : { [K in Problem]: never };

/** A method that can be called from outside: one input at most, then the context. */
export type AnyMethod = (input: never, context: never) => unknown;

/**
 * `unknown` for a signature that can be served, else what is wrong with it. `I` is what the option `input` names,
 * `unknown` without it.
 */
export type SignatureProblem<M, I = unknown> = M extends (...args: infer A) => infer R
  ? A extends readonly [input?: infer P, context?: infer C]
    ? IsInput<P, I> extends false
      ? PayloadProblem<P>
      : unknown extends C
        ? ResultProblem<R>
        : CallContext extends C
          ? ResultProblem<R>
          : Unless<false, 'the second parameter must be a CallContext'>
    : Unless<false, 'a method takes one input at most, and a CallContext'>
  : never;

/** A DTO class that the option names is made by class-transformer, which makes Dates too; `inputKindOf` sees to it. */
type IsInput<P, I> = unknown extends I
  ? IsPayload<P>
  : IsPayload<[I] extends [object] ? DatesAsText<Exclude<P, undefined>> : P>;

type DatesAsText<T> = unknown extends T
  ? T
  : { [K in keyof T]: [Exclude<T[K], undefined>] extends [Date] ? string | Extract<T[K], undefined> : T[K] };

type PayloadProblem<P> = [P] extends [CallContext]
  ? Unless<false, 'the context is the second parameter: (_: undefined, context: CallContext)'>
  : IsInput<P, object> extends true
    ? Unless<false, 'a Date in the input needs its DTO class in the option `input`, and @Type(() => Date)'>
    : Unless<false, 'the input must be JSON, a string or bytes'>;

type Nothing = ReturnType<() => void>;

type ResultProblem<R> =
  Awaited<R> extends Nothing ? unknown : Unless<IsPayload<Awaited<R>>, 'the result must be JSON, a string or bytes'>;

/** Of a field or accessor of type `T` that is to be kept or sent, see {@link Unless}. */
export type FieldProblem<T> = Unless<IsJson<T>, 'the field must be JSON'>;

/** What comes of a payload that the option `input` names by a word; `json` has no type of its own. */
interface NamedInputs {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly number: number;
  readonly boolean: boolean;
}

/** A narrower parameter is its author's promise, as with JSON: `'fast' | 'slow'` is read as text. */
type TakesNamed<P, Given> = [Given] extends [P]
  ? true
  : [P] extends [undefined]
    ? false
    : [Exclude<P, undefined>] extends [Given]
      ? true
      : false;

type Takes<P, I> = I extends 'json'
  ? IsJson<P>
  : I extends keyof NamedInputs
    ? TakesNamed<P, NamedInputs[I]>
    : [I] extends [P]
      ? true
      : false;

/** Whether the method takes what the option `input` makes, a word's value or a DTO, see {@link Unless}. */
export type InputProblem<M, I> = unknown extends I
  ? unknown
  : M extends (input: infer P, ...rest: never[]) => unknown
    ? Unless<Takes<P, I>, "the method's input is not what the option `input` names">
    : never;

/** {@link InputProblem} of a written field; `I` is `never` without the option. */
export type FieldInputProblem<T, I> = [I] extends [never]
  ? unknown
  : Unless<Takes<T, I>, "the field's type is not what the option `input` names">;

/** Of what is to be written. A `set` without `get` looks like a field to the types. */
export type ReadonlyProblem<T, K extends keyof T> = Unless<
  Same<Pick<T, K>, { -readonly [P in K]: T[P] }>,
  'nobody can write it: it is readonly, or has no set accessor'
>;

/** Identical, modifiers too; assignability does not see `readonly`. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- what depends on G is compared as it is written
type Same<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false;

/** Services offer what instances have; of a static member `T` is the class itself. */
export type StaticProblem<T> = T extends abstract new (...args: never[]) => unknown
  ? Unless<false, 'services offer what their instances have: it must not be static'>
  : unknown;
