/** What an agent serves: a service, or one object of it, in one partition. */
export interface AgentTarget {
  /** `package.Service` */
  readonly service: string;
  readonly objectId?: string | undefined;
  readonly partitionId: number;
}

/**
 * `pkg.Service[:objectId][@partition]` (checklist B5). The partition is part of
 * the identity; it is left out where it is the runtime's default, so that the
 * usual id is the one that the checklist names. Behind an object id with an `@`
 * it always stands: object `7@3` is not object `7` of partition 3.
 */
export function agentId({ service, objectId, partitionId }: AgentTarget, defaultPartition: number): string {
  const object = objectId === undefined ? '' : `:${objectId}`;
  const plain = partitionId === defaultPartition && !object.includes('@');
  return `${service}${object}${plain ? '' : `@${partitionId}`}`;
}
