import { ApiProperty } from '@nestjs/swagger';
import { type ConfigPush, type Delivery, PUSH_STATES, type PushState } from '../config-push/index.js';

/** What one replica makes of a push. */
export class PushReplicaDto {
  @ApiProperty({ example: 'f0e1d2c3', description: 'instance id of the process' })
  replica_id!: string;

  @ApiProperty({ enum: PUSH_STATES, example: 'acknowledged' })
  state!: PushState;

  @ApiProperty({ type: 'integer', example: 1, description: 'how often it was sent, or could not be sent' })
  tries!: number;

  @ApiProperty({ example: '', description: 'what the agent said, or why it expired; empty when all is well' })
  error!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'when it was over' })
  settled_at!: string | null;
}

/** One configuration, pushed to one agent. */
export class ConfigPushDto {
  @ApiProperty({ example: 'push-0123456789abcdef' })
  push_id!: string;

  @ApiProperty({ example: 'my-laptop' })
  agent_id!: string;

  @ApiProperty({
    enum: PUSH_STATES,
    example: 'sent',
    description:
      'under way (pending, sent) while one replica is; then the worst of: acknowledged, expired (no answer), failed',
  })
  state!: PushState;

  @ApiProperty({ type: 'integer', example: 17, description: 'size of the configuration' })
  bytes!: number;

  @ApiProperty({ format: 'date-time' })
  created_at!: string;

  @ApiProperty({ type: [PushReplicaDto] })
  replicas!: PushReplicaDto[];
}

/** `GET /agents/:id/config` */
export class ConfigPushListDto {
  @ApiProperty({ type: [ConfigPushDto], description: 'the newest first' })
  pushes!: ConfigPushDto[];

  @ApiProperty({ type: 'integer', example: 1 })
  count!: number;
}

/** An agent that a push to all did not reach. */
export class PushSkippedDto {
  @ApiProperty({ example: 'old-laptop' })
  agent_id!: string;

  @ApiProperty({ example: 'BERTH_CONFIG_PUSH_UNSUPPORTED', description: 'stable code' })
  code!: string;

  @ApiProperty({ example: 'agent old-laptop takes no configuration (config_push)' })
  message!: string;
}

/** `POST /agents/config` */
export class ConfigPushAllDto extends ConfigPushListDto {
  @ApiProperty({ type: [PushSkippedDto], description: 'agents that cannot take it now' })
  skipped!: PushSkippedDto[];
}

export function describePush(push: ConfigPush): ConfigPushDto {
  return {
    push_id: push.id,
    agent_id: push.agentId,
    state: push.state,
    bytes: push.bytes,
    created_at: new Date(push.createdAt).toISOString(),
    replicas: [...push.deliveries.values()].map(describeDelivery),
  };
}

export function describePushes(pushes: readonly ConfigPush[]): ConfigPushListDto {
  return { pushes: pushes.map(describePush), count: pushes.length };
}

function describeDelivery({ replicaId, state, tries, error, settledAt }: Delivery): PushReplicaDto {
  const settled = settledAt === undefined ? null : new Date(settledAt).toISOString();
  return { replica_id: replicaId, state, tries, error, settled_at: settled };
}
