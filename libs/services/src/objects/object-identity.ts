/** Which object an instance is, or stands for. */
export interface ObjectHandle {
  readonly objectId: string;
  /** absent: the default of the runtime that is asked */
  readonly partition: number | undefined;
}

/** Beside the instances, so that no service needs a base class. */
const identities = new WeakMap<object, ObjectHandle>();

export function setIdentity(instance: object, identity: ObjectHandle): void {
  identities.set(instance, identity);
}

/** Of an object that a runtime made, and of a handle; `undefined` for any other instance. */
export function identityOf(instance: object): ObjectHandle | undefined {
  return identities.get(instance);
}
