import { invalid } from '../errors.js';
import type { Delivery } from '../invocation/invocation.js';
import { type FieldInputName, fieldKindOf, type InputName, inputKindOf } from './input-kind.js';
import { MAX_MS, wholeNumber } from '../numbers.js';
import { ACCESSORS, checkAccessor, checkName, checkProperty, placeOf } from './option-checks.js';
import { declarationsOf, type InputKind, type MemberDefinition } from './service-definition.js';
import type {
  AnyMethod,
  FieldInputProblem,
  FieldProblem,
  InputProblem,
  ReadonlyProblem,
  SignatureProblem,
  StaticProblem,
} from './signature.js';

/** Options that methods and accessors share. */
export interface MemberOptions {
  /** on the wire; default: the name in the class (`get_x`, `set_x` for accessors) */
  readonly name?: string;
  /** default false; true: served by agents of the bus and by nobody else (checklist B6) */
  readonly serveWithAgent?: boolean;
  /** the method's time in all, retries included, ms, 1..2^31-1; default: the runtime's `defaultTimeoutMs` */
  readonly timeoutMs?: number;
}

export interface MethodOptions<I extends object = object> extends MemberOptions {
  /** default false: the method belongs to an object and runs with its state */
  readonly stateless?: boolean;
  /** runs after one that failed, 0..100, as many as fit into the call's time; default 0 */
  readonly retryCount?: number;
  /** between two runs, ms, 0..2^31-1; default 1000. Nothing is retried where it is not shorter than the call's time */
  readonly retryDelayMs?: number;
  /** default `at-most-once`; `at-least-once` runs again elsewhere when a worker dies, and remembers replies by idempotency key */
  readonly delivery?: Delivery;
  /** how the payload is read, where the parameter's type does not say it; a DTO class is validated */
  readonly input?: InputName | (new () => I);
  /** the input may be left out; default: whether the parameter has a default value, which is not seen of `x?: T` */
  readonly optionalInput?: boolean;
}

/** Options of a written field or accessor; `N` is the word of `input`. */
export interface SetterOptions<N extends FieldInputName = FieldInputName> extends MemberOptions {
  /** how the payload is read, where the field's type does not say it */
  readonly input?: N;
}

/** What `@Method` puts on a method `M`; `I` is the DTO or the word of the option `input`, `unknown` without one. */
export type ServiceMethodDecorator<I> = <M extends AnyMethod, P extends object>(
  prototype: P & StaticProblem<P>,
  property: string,
  descriptor: TypedPropertyDescriptor<M> & SignatureProblem<M, I> & InputProblem<M, I>,
) => void;

/**
 * Makes a method callable from outside (checklist B16). It takes one input at most, then a `CallContext`; input and
 * result are JSON, a string or bytes. A wrong signature does not compile.
 *
 * @throws ServicesError `BERTH_SERVICE_INVALID` an option is out of its range
 */
export function Method<I extends object>(
  options: MethodOptions<I> & { readonly input: new () => I },
): ServiceMethodDecorator<I>;
export function Method<N extends InputName>(options: MethodOptions & { readonly input: N }): ServiceMethodDecorator<N>;
export function Method(options?: MethodOptions): ServiceMethodDecorator<unknown>;
export function Method(options: MethodOptions = {}): ServiceMethodDecorator<unknown> {
  return (prototype, property, descriptor): void => {
    const where = placeOf(prototype, property);
    const method: unknown = (descriptor as PropertyDescriptor).value;
    if (typeof method !== 'function') throw invalid(`${where} is no method: @Method belongs to methods`);
    checkProperty(where, property, options.stateless ?? false);
    const { name = property, optionalInput = method.length === 0 } = options;
    const input = inputKindOf(where, prototype, property, options.input);
    declare(where, prototype, { ...options, kind: 'method', name, property, optionalInput, input });
  };
}

/**
 * Lets callers read a field or a `get` accessor of an object: `get_x` on the wire, `x()` at the client. It changes
 * nothing: what a getter does to the state is dropped.
 *
 * @throws ServicesError `BERTH_SERVICE_INVALID` an option is out of its range, an accessor has no `get`
 */
export function Getter(options: MemberOptions = {}) {
  return <T extends object, K extends keyof T & string>(
    prototype: T & StaticProblem<T>,
    property: K & FieldProblem<T[K]>,
  ): void => {
    declareAccessor(prototype, property, 'getter', options, 'none');
  };
}

/**
 * Lets callers write a field or a `set` accessor of an object: `set_x` on the wire, `x(value)` at the client. What is
 * written is checked by the field's type as the compiler leaves it: write the type out. Of an inferred one it leaves
 * nothing, and the first object is refused. A field without `@State` is a cache: what is written into it is lost with
 * the instance.
 *
 * @throws ServicesError `BERTH_SERVICE_INVALID` an option is out of its range, an accessor has no `set`
 */
export function Setter<N extends FieldInputName = never>(options: SetterOptions<N> = {}) {
  return <T extends object, K extends keyof T & string>(
    prototype: T & StaticProblem<T>,
    property: K & FieldProblem<T[K]> & FieldInputProblem<T[K], N> & ReadonlyProblem<T, K>,
  ): void => {
    declareAccessor(prototype, property, 'setter', options, fieldKindOf(prototype, property, options.input));
  };
}

/** A field that belongs to the state of an object: kept in the store between calls, as JSON. */
export function State() {
  return <T extends object, K extends string>(
    prototype: T & StaticProblem<T>,
    property: K & (K extends keyof T ? FieldProblem<T[K]> : unknown),
  ): void => {
    const where = placeOf(prototype, property);
    if (Object.getOwnPropertyDescriptor(prototype, property) !== undefined)
      throw invalid(`${where} is no field: @State belongs to fields`);
    declarationsOf(prototype).stateFields.add(property);
  };
}

function declareAccessor(
  prototype: object,
  property: string,
  kind: keyof typeof ACCESSORS,
  { name = `${ACCESSORS[kind].needs}_${property}`, serveWithAgent, timeoutMs }: MemberOptions,
  input: InputKind,
): void {
  const where = placeOf(prototype, property);
  checkAccessor(where, kind, Object.getOwnPropertyDescriptor(prototype, property));
  declare(where, prototype, { kind, name, property, optionalInput: false, input, serveWithAgent, timeoutMs });
}

type Declared = Pick<MemberDefinition, 'kind' | 'name' | 'property' | 'optionalInput' | 'input'> & {
  readonly [K in Exclude<keyof MethodOptions, 'name' | 'optionalInput' | 'input'>]?: MethodOptions[K] | undefined;
};

/** Checks what every member may say of itself, and keeps it with its defaults. */
function declare(where: string, prototype: object, declared: Declared): void {
  const { kind, name, property, optionalInput, input, timeoutMs, serveWithAgent = false } = declared;
  const { stateless = false, retryCount = 0, retryDelayMs = 1000, delivery = 'at-most-once' } = declared;
  checkName(where, name);
  if (timeoutMs !== undefined) wholeNumber(`${where}: timeoutMs`, timeoutMs, 1, MAX_MS);
  wholeNumber(`${where}: retryCount`, retryCount, 0, 100);
  wholeNumber(`${where}: retryDelayMs`, retryDelayMs, 0, MAX_MS);
  if (retryCount > 0 && timeoutMs !== undefined && retryDelayMs >= timeoutMs)
    throw invalid(`${where}: with retryDelayMs ${retryDelayMs} no retry fits into timeoutMs ${timeoutMs}`);
  const said = { stateless, serveWithAgent, timeoutMs, retryCount, retryDelayMs, delivery };
  const member = { kind, name, property, optionalInput, input, ...said };
  declarationsOf(prototype).members.set(`${kind} ${property}`, member);
}
