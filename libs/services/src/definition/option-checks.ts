import { invalid } from '../errors.js';

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const PACKAGE = /^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)*$/;

/** Names stand in message keys between slashes (checklist B14). @throws ServicesError `BERTH_SERVICE_INVALID` */
export function checkName(where: string, name: string): void {
  if (!NAME.test(name))
    throw invalid(`${where}: the name '${name}' must be 1 to 128 letters, digits or '_', no digit first`);
}

export function checkPackage(where: string, name: string): void {
  // With a name of 128 it is an id of 256, which the wire takes.
  if (name.length > 127 || !PACKAGE.test(name))
    throw invalid(
      `${where}: the package '${name}' must be words of letters, digits, '_' and '-', joined by dots, 127 characters at most`,
    );
}

/** What a client has under its own names: `ServiceClient`, and a thing with `then` would be taken for a promise. */
const CLIENTS_OWN = new Set(['object', 'with', 'close']);

export function checkProperty(where: string, property: string, stateless: boolean): void {
  if (property === 'then' || (stateless && CLIENTS_OWN.has(property)))
    throw invalid(`${where}: a client has a '${property}' of its own; call it otherwise and give the option \`name\``);
}

/** Names a member in messages. @param prototype the class itself where the member is static, which is refused */
export function placeOf(prototype: object, property: string): string {
  if (typeof prototype === 'function')
    throw invalid(`${prototype.name}.${property} is static: services offer what their instances have`);
  return `${prototype.constructor.name}.${property}`;
}

/** What an accessor needs of a property, and for what. */
export const ACCESSORS = {
  getter: { decorator: '@Getter', needs: 'get', use: 'read' },
  setter: { decorator: '@Setter', needs: 'set', use: 'write' },
} as const;

/** @param descriptor of the accessor; a field has none on its prototype */
export function checkAccessor(where: string, kind: keyof typeof ACCESSORS, descriptor?: PropertyDescriptor): void {
  if (descriptor === undefined) return;
  const { decorator, needs, use } = ACCESSORS[kind];
  if (typeof descriptor.value === 'function')
    throw invalid(`${where} is a method: ${decorator} belongs to fields and accessors`);
  if (descriptor[needs] === undefined)
    throw invalid(`${where} has no \`${needs}\`, so nobody can ${use} it: ${decorator} needs one`);
}
