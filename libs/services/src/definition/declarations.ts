import { invalid } from '../errors.js';
import type { MemberDefinition, ServiceClass } from './service-definition.js';

/** What the decorators inside one class have said, before `@Service` collects it. */
export interface Declarations {
  readonly members: MemberDefinition[];
  readonly stateFields: string[];
}

const declared = new WeakMap<object, Declarations>();

/** Of the class itself, not of those it extends. @param prototype of the class */
export function declarationsOf(prototype: object): Declarations {
  let declarations = declared.get(prototype);
  if (declarations === undefined) {
    declarations = { members: [], stateFields: [] };
    declared.set(prototype, declarations);
  }
  return declarations;
}

/**
 * Of the class and those it extends; what a class declares again replaces what
 * it inherits.
 *
 * @throws ServicesError `BERTH_SERVICE_INVALID` two members share a name
 */
export function collectDeclarations(target: ServiceClass): Declarations {
  const chain: Declarations[] = [];
  let prototype: unknown = target.prototype;
  while (typeof prototype === 'object' && prototype !== null && prototype !== Object.prototype) {
    const own = declared.get(prototype);
    if (own !== undefined) chain.unshift(own);
    prototype = Object.getPrototypeOf(prototype);
  }
  const members = new Map<string, MemberDefinition>();
  const stateFields = new Set<string>();
  for (const own of chain) {
    for (const member of own.members) members.set(`${member.kind} ${member.property}`, member);
    for (const field of own.stateFields) stateFields.add(field);
  }
  const names = new Map<string, MemberDefinition>();
  for (const member of members.values()) {
    const other = names.get(member.name);
    if (other !== undefined)
      throw invalid(
        `${target.name}: ${other.property} and ${member.property} have the same name '${member.name}'; give one another name`,
      );
    names.set(member.name, member);
  }
  return { members: [...members.values()], stateFields: [...stateFields] };
}
