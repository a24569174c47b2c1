import { invalid } from '../errors.js';
import { checkName, checkPackage } from './option-checks.js';
import { declarationsOf, definitions, type MemberDefinition, type ServiceClass } from './service-definition.js';

export interface ServiceOptions {
  /** first part of the service's id `package.Name`; default `default` */
  readonly package?: string;
}

/**
 * Makes a class a service with the id `package.Name` (checklist B16). Its `@Method`s can then be called through a
 * function server or an agent.
 *
 * @throws ServicesError `BERTH_SERVICE_INVALID` a name that cannot stand in a message key, or one used twice
 */
export function Service(name: string, options: ServiceOptions = {}) {
  return (target: ServiceClass): void => {
    const packageName = options.package ?? 'default';
    checkName(target.name, name);
    checkPackage(target.name, packageName);
    const declarations = declarationsOf(target.prototype as object);
    const declared = [...declarations.members.values()];
    const byProperty = (kind: MemberDefinition['kind']): Map<string, MemberDefinition> =>
      new Map(declared.filter((member) => member.kind === kind).map((member) => [member.property, member]));
    definitions.set(target, {
      ...{ id: `${packageName}.${name}`, name, package: packageName, target },
      members: byName(target, declared),
      ...{ methods: byProperty('method'), getters: byProperty('getter'), setters: byProperty('setter') },
      stateFields: [...declarations.stateFields],
    });
  };
}

function byName(target: ServiceClass, declared: readonly MemberDefinition[]): Map<string, MemberDefinition> {
  const members = new Map<string, MemberDefinition>();
  for (const member of declared) {
    const { name, property } = member;
    const other = members.get(name);
    if (other !== undefined)
      throw invalid(
        `${target.name}: ${other.property} and ${property} have the same name '${name}'; give one another name`,
      );
    members.set(name, member);
  }
  return members;
}
