/** Who an active object is. */
export interface ObjectIdentity {
  /** `package.Service` */
  readonly service: string;
  readonly partition: number;
  readonly objectId: string;
}

/** Beside the instances, so that no service needs a base class. */
const identities = new WeakMap<object, ObjectIdentity>();

export function setIdentity(instance: object, identity: ObjectIdentity): void {
  identities.set(instance, identity);
}

/** Of an object that a runtime made; `undefined` for any other instance. */
export function identityOf(instance: object): ObjectIdentity | undefined {
  return identities.get(instance);
}
