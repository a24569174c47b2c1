import type { ObjectKey } from './object-store.js';

/** Who an active object is; beside the instances, so that no service needs a base class. */
const identities = new WeakMap<object, ObjectKey>();

export function setIdentity(instance: object, identity: ObjectKey): void {
  identities.set(instance, identity);
}

/** Of an object that a runtime made; `undefined` for any other instance. */
export function identityOf(instance: object): ObjectKey | undefined {
  return identities.get(instance);
}
