import { ApiProperty } from '@nestjs/swagger';
import type { PolicyPush } from '@berth/policy-agents';
import { PUSH_STATES, type PushState } from '../config-push/index.js';
import { ListDto } from './agent.dto.js';

/** One configuration, pushed to a policy agent. */
export class PolicyPushDto {
  @ApiProperty({ example: 'config-push-0123456789abcdef' })
  push_id!: string;

  @ApiProperty({ enum: PUSH_STATES, example: 'acknowledged', description: 'the worst of its connections' })
  state!: PushState;

  @ApiProperty({ type: 'integer', example: 17, description: 'size of the configuration' })
  bytes!: number;

  @ApiProperty({ type: 'integer', example: 1, description: 'how often it was sent, or could not be sent' })
  tries!: number;

  @ApiProperty({ example: '', description: 'what the agent said, or why it expired; empty when all is well' })
  error!: string;

  @ApiProperty({ format: 'date-time' })
  created_at!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'when it was over' })
  settled_at!: string | null;
}

/** `GET /policy-agents/:name/config` */
export class PolicyPushListDto extends ListDto {
  @ApiProperty({ type: [PolicyPushDto], description: 'the newest first' })
  pushes!: PolicyPushDto[];
}

/** One of a push to all. */
class NamedPolicyPushDto extends PolicyPushDto {
  @ApiProperty({ example: 'waf', description: 'name of the policy agent' })
  name!: string;
}

/** A policy agent that a push to all did not reach. */
class PolicyPushSkippedDto {
  @ApiProperty({ example: 'waf' })
  name!: string;

  @ApiProperty({ example: 'BERTH_CONFIG_PUSH_UNSUPPORTED', description: 'stable code' })
  code!: string;

  @ApiProperty({ example: 'policy agent waf is not there, or takes no configuration (config_push)' })
  message!: string;
}

/** `POST /policy-agents/config` */
export class PolicyPushAllDto extends ListDto {
  @ApiProperty({ type: [NamedPolicyPushDto] })
  pushes!: NamedPolicyPushDto[];

  @ApiProperty({ type: [PolicyPushSkippedDto], description: 'agents that cannot take it now' })
  skipped!: PolicyPushSkippedDto[];
}

export function describePolicyPush({
  bytes,
  createdAt,
  error,
  id,
  settledAt,
  state,
  tries,
}: PolicyPush): PolicyPushDto {
  const settled = settledAt === undefined ? null : new Date(settledAt).toISOString();
  const created_at = new Date(createdAt).toISOString();
  return { push_id: id, state, bytes, tries, error, created_at, settled_at: settled };
}
