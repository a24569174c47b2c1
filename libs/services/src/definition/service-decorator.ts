import { collectDeclarations } from './declarations.js';
import { checkName, checkPackage } from './option-checks.js';
import { type MemberDefinition, rememberDefinition, type ServiceClass } from './service-definition.js';

export interface ServiceOptions {
  /** first part of the service's id `package.Name`; default `default` */
  readonly package?: string;
}

/**
 * Makes a class a service with the id `package.Name` (checklist B16). Its
 * `@Method`s can then be called through a function server or an agent.
 *
 * @throws ServicesError `BERTH_SERVICE_INVALID` a name that cannot stand in a message key, or one used twice
 */
export function Service(name: string, options: ServiceOptions = {}) {
  return (target: ServiceClass): void => {
    const packageName = options.package ?? 'default';
    checkName(target.name, name);
    checkPackage(target.name, packageName);
    const { members, stateFields } = collectDeclarations(target);
    rememberDefinition({
      id: `${packageName}.${name}`,
      name,
      package: packageName,
      target,
      members: new Map(members.map((member) => [member.name, member])),
      methods: byProperty(members, 'method'),
      getters: byProperty(members, 'getter'),
      setters: byProperty(members, 'setter'),
      stateFields,
    });
  };
}

function byProperty(
  members: readonly MemberDefinition[],
  kind: MemberDefinition['kind'],
): Map<string, MemberDefinition> {
  return new Map(members.filter((member) => member.kind === kind).map((member) => [member.property, member]));
}
