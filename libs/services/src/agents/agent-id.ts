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
 * usual id is the one that the checklist names.
 */
export function agentId({ service, objectId, partitionId }: AgentTarget, defaultPartition: number): string {
  const object = objectId === undefined ? '' : `:${objectId}`;
  const partition = partitionId === defaultPartition ? '' : `@${partitionId}`;
  return `${service}${object}${partition}`;
}
