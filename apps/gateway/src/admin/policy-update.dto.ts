import { ApiProperty } from '@nestjs/swagger';
import type { ConfiguredAgent, ShownUpdate } from '../policy-agents/index.js';
import { ListDto } from './agent.dto.js';

const KINDS = ['reload', 'rules', 'list', 'restart', 'error'] as const;

/** Something that a policy agent asked of the gateway. */
export class PolicyUpdateDto {
  @ApiProperty({ format: 'date-time' })
  at!: string;

  @ApiProperty({ example: 'u-1' })
  request_id!: string;

  @ApiProperty({ enum: KINDS, description: '`restart` and `error` are noted, and nothing is done about them' })
  kind!: (typeof KINDS)[number];

  @ApiProperty({ description: 'as the agent was answered' })
  accepted!: boolean;

  @ApiProperty({ example: '', description: 'why not; empty otherwise' })
  error!: string;

  @ApiProperty({ example: 'bad-addresses: 3 entries, 0 taken out' })
  what!: string;
}

class PolicyRuleDto {
  @ApiProperty({ example: '942100' })
  rule_id!: string;

  @ApiProperty({ type: 'integer', example: 10 })
  priority!: number;

  @ApiProperty()
  enabled!: boolean;

  @ApiProperty({ example: '{"pattern":"union select"}', description: 'JSON text, as the agent gave it' })
  definition_json!: string;

  @ApiProperty({ example: '', description: 'for people' })
  description!: string;

  @ApiProperty({ type: [String] })
  tags!: readonly string[];
}

class PolicyRuleSetDto {
  @ApiProperty({ example: 'sqli' })
  rule_set!: string;

  @ApiProperty({ type: [PolicyRuleDto] })
  rules!: PolicyRuleDto[];
}

class PolicyEntriesDto {
  @ApiProperty({ example: 'bad-addresses' })
  list_id!: string;

  @ApiProperty({ type: [String], example: ['192.0.2.66'] })
  entries!: string[];
}

/** `GET /policy-agents/:name/updates` */
export class PolicyUpdatesDto extends ListDto {
  @ApiProperty({ type: [PolicyUpdateDto], description: 'the last 50, the newest first' })
  updates!: PolicyUpdateDto[];

  @ApiProperty({ type: [PolicyRuleSetDto], description: 'rules that the gateway keeps for it, until it ends' })
  rule_sets!: PolicyRuleSetDto[];

  @ApiProperty({ type: [PolicyEntriesDto], description: 'lists, in the same way' })
  lists!: PolicyEntriesDto[];
}

export function describeUpdate({ accepted, at, error, kind, requestId, what }: ShownUpdate): PolicyUpdateDto {
  return { at: new Date(at).toISOString(), request_id: requestId, kind, accepted, error, what };
}

export function describeUpdates({ updates }: ConfiguredAgent): PolicyUpdatesDto {
  const recent = updates.recent.list();
  return {
    updates: recent.map(describeUpdate),
    count: recent.length,
    rule_sets: [...updates.rules].map(([rule_set, rules]) => ({
      rule_set,
      rules: [...rules.values()].map(({ definitionJson, description = '', enabled, id, priority, tags }) => ({
        ...{ rule_id: id, priority, enabled, definition_json: definitionJson, description, tags },
      })),
    })),
    lists: [...updates.lists].map(([list_id, entries]) => ({ list_id, entries: [...entries] })),
  };
}
