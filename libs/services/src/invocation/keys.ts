/**
 * The message keys (checklist B14), to the letter:
 * `oprc/{pkg}.{cls}/{partition}/invokes/{fn}` for stateless methods,
 * `oprc/{pkg}.{cls}/{partition}/objects/{obj}/invokes/{fn}` for those of an object.
 */
export function invocationKey(target: {
  readonly service: string;
  readonly partition: number;
  readonly method: string;
  readonly objectId?: string | undefined;
}): string {
  const { service, partition, method, objectId } = target;
  return objectId === undefined
    ? `oprc/${service}/${partition}/invokes/${method}`
    : `oprc/${service}/${partition}/objects/${objectId}/invokes/${method}`;
}
