import { hash } from 'node:crypto';
import { type DeepPartial, type Frozen, type Program, settingsOf, sourceOf } from '@berth/config';
import { BerthError, messageOf } from '@berth/errors';
import { PortPolicy } from './port-policy.js';

/** The rules of one port, complete. */
export type Policy = Frozen<PortPolicy>;

/** A part of a policy: what somebody says of it. */
export type PolicyPart = DeepPartial<Policy>;

const SCHEMA: Program<PortPolicy> = {
  name: 'policy',
  version: '',
  summary: '',
  title: '',
  defaults: () => new PortPolicy(),
  envPrefix: '',
  fileName: '',
  fileEnv: '',
  prepare: () => undefined,
  check: () => undefined,
};

/** Every rule with its path, description, range and default. */
export const POLICY_RULES = settingsOf(SCHEMA);

const source = sourceOf(SCHEMA);

/** The policy without any rule. */
export const NO_POLICY: Policy = source.withDefaults();

/** One rule, as somebody has set it. */
export interface PolicyEntry {
  readonly path: string;
  readonly value: unknown;
}

/**
 * Judges a part and takes it apart.
 *
 * @param part from a file, a request or the state
 * @throws BerthError `BERTH_CONFIG_INVALID` with a line for everything that is wrong
 */
export function entriesOf(part: unknown): readonly PolicyEntry[] {
  const key = hash('sha256', JSON.stringify(part, exactNumber));
  const known = judged.get(key)?.deref();
  if (known !== undefined) return known;
  const entries = judge(part);
  judged.set(key, new WeakRef(entries));
  gone.register(entries, key);
  return entries;
}

/**
 * Right parts by the hash of their text, for as long as somebody uses them: passwords and tokens of a policy that was
 * replaced are not kept here. A file is judged at start, by whoever takes it up, and again whenever it changes, while most
 * of its parts stay; each costs half a millisecond, in which the gateway does nothing else.
 */
const judged = new Map<string, WeakRef<readonly PolicyEntry[]>>();
const gone = new FinalizationRegistry<string>((key) => {
  // The same part may have been judged anew meanwhile.
  if (judged.get(key)?.deref() === undefined) judged.delete(key);
});

/** JSON has no NaN and no infinity, and writes null for them. */
function exactNumber(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function judge(part: unknown): readonly PolicyEntry[] {
  const whole = checked(part);
  const { cors } = whole;
  if (cors.credentials && cors.origins.includes('*'))
    throw new BerthError(
      'BERTH_CONFIG_INVALID',
      'cors.credentials: does not go with the origin *, which would let every page act as the user',
    );
  return POLICY_RULES.flatMap(({ path }) => {
    const given = valueAt(part, path);
    // As it was read: in a file a number may stand in quotes.
    return given === undefined || given === null ? [] : [{ path, value: valueAt(whole, path) }];
  });
}

/** The value at the path of a rule; undefined where there is none. */
export function valueAt(tree: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], tree);
}

/** The same as a tree. */
export function partOf(entries: Iterable<PolicyEntry>): PolicyPart {
  const root: Record<string, unknown> = {};
  for (const { path, value } of entries) put(root, path, value);
  return root;
}

/** A policy of entries that have been judged one part at a time; not judged again, since each port that opens asks for one. */
export function policyOf(entries: Iterable<PolicyEntry>): Policy {
  const root = structuredClone(NO_POLICY) as unknown as Record<string, unknown>;
  for (const { path, value } of entries) put(root, path, value);
  return root as unknown as Policy;
}

function put(root: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let node = root;
  for (const key of keys) node = (node[key] ??= {}) as Record<string, unknown>;
  node[last] = value;
}

/** What is wrong with a part, as one line; undefined when nothing is. */
export function problemOf(part: unknown): string | undefined {
  try {
    entriesOf(part);
    return undefined;
  } catch (thrown) {
    if (BerthError.from(thrown).code !== 'BERTH_CONFIG_INVALID') throw thrown;
    return messageOf(thrown).replaceAll('\n', '; ');
  }
}

/** Where a part came from is said by whoever asks. */
function checked(part: unknown): Policy {
  try {
    return source.withDefaults(part as PolicyPart);
  } catch (thrown) {
    const { code, message } = BerthError.from(thrown);
    throw new BerthError(
      code,
      message.replaceAll(/(?:, | \()from options\)/g, (found) => (found.startsWith(',') ? ')' : '')),
      {
        cause: thrown,
      },
    );
  }
}
