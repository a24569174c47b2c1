import { ServicesError } from '../errors.js';

/** Partitions are 32-bit on the wire. */
export const MAX_PARTITION = 4_294_967_295;

/** Longest time that a timer takes, ms. */
export const MAX_MS = 2_147_483_647;

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const PACKAGE = /^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)*$/;

/** Names stand in message keys between slashes (checklist B14). @throws ServicesError `BERTH_SERVICE_INVALID` */
export function checkName(where: string, name: string): void {
  if (!NAME.test(name)) fail(`${where}: the name '${name}' must be 1 to 128 letters, digits or '_', no digit first`);
}

export function checkPackage(where: string, name: string): void {
  if (name.length > 128 || !PACKAGE.test(name))
    fail(`${where}: the package '${name}' must be words of letters, digits, '_' and '-', joined by dots`);
}

export function checkMs(where: string, option: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least || value > MAX_MS)
    fail(`${where}: ${option} is ${value}; it must be whole milliseconds, ${least} to ${MAX_MS}`);
}

export function checkCount(where: string, option: string, value: number, most: number, least = 0): void {
  if (!Number.isInteger(value) || value < least || value > most)
    fail(`${where}: ${option} is ${value}; it must be a whole number, ${least} to ${most}`);
}

/** What a client has under its own names: `ServiceClient`, and a thing with `then` would be taken for a promise. */
const CLIENTS_OWN = new Set(['object', 'with', 'close']);

export function checkProperty(where: string, property: string, stateless: boolean): void {
  if (property === 'then' || (stateless && CLIENTS_OWN.has(property)))
    fail(`${where}: a client has a '${property}' of its own; call it otherwise and give the option \`name\``);
}

/** @param prototype the class itself where the member is static */
export function refuseStatic(prototype: object, property: string): void {
  if (typeof prototype === 'function')
    fail(`${prototype.name}.${property} is static: services offer what their instances have`);
}

/** @param descriptor of the accessor; a field has none on its prototype */
export function checkAccessor(where: string, kind: 'getter' | 'setter', descriptor?: PropertyDescriptor): void {
  if (descriptor === undefined) return;
  const decorator = kind === 'getter' ? '@Getter' : '@Setter';
  if (typeof descriptor.value === 'function')
    fail(`${where} is a method: ${decorator} belongs to fields and accessors`);
  if (kind === 'getter' && descriptor.get === undefined)
    fail(`${where} has no \`get\`, so nobody can read it: ${decorator} needs one`);
  if (kind === 'setter' && descriptor.set === undefined)
    fail(`${where} has no \`set\`, so nobody can write it: ${decorator} needs one`);
}

function fail(message: string): never {
  throw new ServicesError('BERTH_SERVICE_INVALID', message);
}
