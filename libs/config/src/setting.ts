import * as rules from './class-validator.js';

/** How a setting's text form (environment, flag) is read, and how it is shown. */
export type SettingKind =
  'text' | 'file' | 'integer' | 'share' | 'boolean' | 'choice' | 'list' | 'ports' | 'texts' | 'tree';

/** What is said about a setting besides its type and default. */
export interface SettingOptions {
  /** one sentence for the documentation and `--help` */
  readonly description: string;
  /** unit for people; default: from the name (`Ms`, `Bytes`, `Seconds`) */
  readonly unit?: string;
  /** never printed */
  readonly secret?: boolean;
  /** must be given; the text tells where */
  readonly required?: string;
  /** says what is wrong with a value of the right type, or nothing */
  readonly check?: (value: never) => string | undefined;
  /** short form of the flag, such as `--tls` */
  readonly alias?: string;
  /** a variable that several programs read, such as `BERTH_TOKEN`; those of the program alone are stronger */
  readonly sharedEnv?: string;
  /** for people: the default that is found at start, such as `the host name` */
  readonly standard?: string;
  /** may be null; `standard` says what holds then */
  readonly optional?: boolean;
  /** a running program takes a new value up, without a restart */
  readonly live?: boolean;
}

/** Metadata of one property, as its decorator wrote it. */
export interface SettingSpec extends SettingOptions {
  readonly kind: SettingKind;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
}

/** Metadata of a group: its heading in `--help` and in the documentation. */
interface GroupSpec {
  readonly kind: 'group';
  readonly title: string;
  readonly live: boolean;
}

const specs = new WeakMap<object, Map<string, SettingSpec | GroupSpec>>();

/** What is declared for a property on an object's class or one that it extends. */
export function specOf(target: object, property: string): SettingSpec | GroupSpec | undefined {
  const prototype = Object.getPrototypeOf(target) as object | null;
  return prototype === null ? undefined : (specs.get(prototype)?.get(property) ?? specOf(prototype, property));
}

function declare(spec: SettingSpec | GroupSpec, ...validators: readonly PropertyDecorator[]): PropertyDecorator {
  return (prototype, property) => {
    const declared = specs.get(prototype) ?? new Map<string, SettingSpec | GroupSpec>();
    specs.set(prototype, declared.set(String(property), spec));
    for (const validator of validators) validator(prototype, property);
  };
}

/** A class-validator decorator whose message comes from the function that judges. */
function Judged(check: (value: never) => string | undefined): PropertyDecorator {
  // A value of the wrong type is reported by the type's own decorator; the check need not stand it.
  const judge = (value: unknown): string | undefined => {
    try {
      return check(value as never);
    } catch {
      return undefined;
    }
  };
  const validate = (value: unknown): boolean => judge(value) === undefined;
  return rules.ValidateBy({
    name: 'judged',
    validator: { validate, defaultMessage: (given) => judge(given?.value) ?? '' },
  });
}

function setting(spec: SettingSpec, ...validators: readonly PropertyDecorator[]): PropertyDecorator {
  const { check, optional = false } = spec;
  return declare(spec, ...(optional ? [rules.IsOptional()] : []), ...validators, ...(check ? [Judged(check)] : []));
}

type Decorator = (options: SettingOptions) => PropertyDecorator;

const decorator =
  (kind: SettingKind, ...validators: readonly PropertyDecorator[]): Decorator =>
  (options) =>
    setting({ kind, ...options }, ...validators);

/** Free text. */
export const Text = decorator('text', rules.IsString({ message: 'must be text (put it in quotes)' }));

/** Path of a file; a relative one counts from the working directory. */
export const File = decorator('file', rules.IsString({ message: 'must be the path of a file' }));

/** `true` or `false`. */
export const Switch = decorator('boolean', rules.IsBoolean({ message: 'must be true or false' }));

/** A list of texts. */
const listRule = { message: 'must be a list of texts' };
export const List = decorator('list', rules.IsArray(listRule), rules.IsString({ each: true, ...listRule }));

/** Names with a port each. */
export const Ports = decorator('ports', rules.IsObject({ message: 'must map names to ports, such as { name: 8100 }' }));

/** Names with a text each. */
export const Texts = decorator('texts', rules.IsObject({ message: 'must map names to texts, such as { name: text }' }));

/** A tree of values whose rules its check knows; as text in JSON. */
export const Tree = decorator('tree', rules.IsObject({ message: 'must map names to groups of settings' }));

/** A whole number between `min` and `max`, both allowed. */
export function Integer(min: number, max: number, options: SettingOptions): PropertyDecorator {
  const range = { message: `must be a whole number from ${min} to ${max}` };
  return setting(
    { kind: 'integer', min, max, ...options },
    rules.IsInt(range),
    rules.Min(min, range),
    rules.Max(max, range),
  );
}

/** A part of something: a number from 0 to 1. */
export function Share(options: SettingOptions): PropertyDecorator {
  const range = { message: 'must be a number from 0 to 1' };
  return setting(
    { kind: 'share', ...options },
    rules.IsNumber({ allowNaN: false, allowInfinity: false }, range),
    rules.Min(0, range),
    rules.Max(1, range),
  );
}

/** One word of several. */
export function Choice(choices: readonly string[], options: SettingOptions): PropertyDecorator {
  return setting(
    { kind: 'choice', choices, ...options },
    rules.IsIn(choices, { message: `must be one of ${choices.join(', ')}` }),
  );
}

/**
 * A group of settings with a class of its own.
 *
 * @param title heading; groups within a group go without
 * @param options `live`: all its settings are
 */
export function Group(title = '', { live = false }: { readonly live?: boolean } = {}): PropertyDecorator {
  return declare({ kind: 'group', title, live }, rules.ValidateNested());
}
