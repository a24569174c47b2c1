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
export function entriesOf(part: unknown): PolicyEntry[] {
  const { cors } = checked(part);
  if (cors.credentials && cors.origins.includes('*'))
    throw new BerthError(
      'BERTH_CONFIG_INVALID',
      'cors.credentials: does not go with the origin *, which would let every page act as the user',
    );
  return POLICY_RULES.flatMap(({ path }) => {
    const value = path
      .split('.')
      .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], part);
    return value === undefined || value === null ? [] : [{ path, value }];
  });
}

/** The same as a tree. */
export function partOf(entries: Iterable<PolicyEntry>): PolicyPart {
  const root: Record<string, unknown> = {};
  for (const { path, value } of entries) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let node = root;
    for (const key of keys) node = (node[key] ??= {}) as Record<string, unknown>;
    node[last] = value;
  }
  return root;
}

/** A policy of entries that have been judged one part at a time. */
export function policyOf(entries: Iterable<PolicyEntry>): Policy {
  return source.withDefaults(partOf(entries));
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
