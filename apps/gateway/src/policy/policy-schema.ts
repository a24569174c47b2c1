import { type DeepPartial, type Frozen, type PartEntry, partOf as treeOf, PartSchema } from '@berth/config';
import { PortPolicy } from './port-policy.js';

export { valueAt } from '@berth/config';

/** The rules of one port, complete. */
export type Policy = Frozen<PortPolicy>;

/** A part of a policy: what somebody says of it. */
export type PolicyPart = DeepPartial<Policy>;

/** One rule, as somebody has set it. */
export type PolicyEntry = PartEntry;

const SCHEMA = new PartSchema<PortPolicy>({
  name: 'policy',
  defaults: () => new PortPolicy(),
  together: ({ cors }) =>
    cors.credentials && cors.origins.includes('*')
      ? 'cors.credentials: does not go with the origin *, which would let every page act as the user'
      : undefined,
});

/** Every rule with its path, description, range and default. */
export const POLICY_RULES = SCHEMA.rules;

/**
 * Judges a part and takes it apart.
 *
 * @param part from a file, a request or the state
 * @throws BerthError `BERTH_CONFIG_INVALID` with a line for everything that is wrong
 */
export const entriesOf = (part: unknown): readonly PolicyEntry[] => SCHEMA.entriesOf(part);

/** What is wrong with a part, as one line; undefined when nothing is. */
export const problemOf = (part: unknown): string | undefined => SCHEMA.problemOf(part);

/** The same as a tree. */
export const partOf = (entries: Iterable<PolicyEntry>): PolicyPart => treeOf(entries);

/** A policy of entries that have been judged one part at a time; not judged again, since each port that opens asks for one. */
export const policyOf = (entries: Iterable<PolicyEntry>): Policy => SCHEMA.wholeOf(entries);
