import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { HealthState } from '@berth/agent-pool';
import { ListDto, STATES } from './agent.dto.js';
import { HealthReportDto, PolicyAgentCapabilitiesDto } from './policy-agent-report.dto.js';
import { PolicyUpdateDto } from './policy-update.dto.js';

/** What a policy agent is fit for: as its best connection, or why it is asked nothing. */
export const POLICY_AGENT_STATES = [...STATES, 'away', 'failing', 'drained'] as const;
export type PolicyAgentState = HealthState | 'away' | 'failing' | 'drained';

/** One of `GET /policy-agents`. */
export class PolicyAgentDto {
  @ApiProperty({ example: 'waf' })
  name!: string;

  @ApiProperty({ example: 'policyAgents.waf', description: 'where it is said: the setting, or the request' })
  source!: string;

  @ApiProperty({ example: 'grpc://127.0.0.1:50051', description: '`reverse`: it dials `policyListener`' })
  address!: string;

  @ApiProperty({
    enum: POLICY_AGENT_STATES,
    description: '`away`: no connection; `failing`: it failed too often and is asked nothing for a while (breaker)',
  })
  state!: PolicyAgentState;

  @ApiProperty({ example: '', description: 'why; empty when all is well' })
  state_reason!: string;

  @ApiProperty({ enum: ['open', 'closed'], description: 'what becomes of exchanges that it cannot judge' })
  when_unavailable!: 'open' | 'closed';

  @ApiProperty({ type: 'integer', example: 4 })
  connection_count!: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'questions under way' })
  in_flight!: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'exchanges that wait for room on a connection' })
  waiting!: number;

  @ApiProperty({ type: 'integer', format: 'int64', example: 1234, description: 'questions that are over' })
  questions!: number;

  @ApiProperty({ type: 'integer', format: 'int64', example: 12, description: 'of them stopped the exchange' })
  stopped!: number;

  @ApiProperty({ type: 'integer', format: 'int64', example: 0, description: 'of them had no answer of use' })
  failures!: number;
}

/** `GET /policy-agents` */
export class PolicyAgentListDto extends ListDto {
  @ApiProperty({ type: [PolicyAgentDto] })
  policy_agents!: PolicyAgentDto[];
}

/** One connection of a policy agent. */
export class PolicyConnectionDto {
  @ApiProperty({ example: 'waf-1' })
  connection_id!: string;

  @ApiProperty({ example: 'grpc://127.0.0.1:50051' })
  remote!: string;

  @ApiProperty({ enum: ['grpc', 'unix', 'reverse'] })
  transport!: string;

  @ApiProperty({ enum: STATES })
  state!: HealthState;

  @ApiProperty({ example: '', description: 'why; empty when all is well' })
  state_reason!: string;

  @ApiProperty({ format: 'date-time' })
  connected_at!: string;

  @ApiProperty({ description: 'the agent has asked for a pause' })
  paused!: boolean;

  @ApiProperty({ type: 'integer', example: 0 })
  in_flight!: number;

  @ApiProperty({ type: 'integer', example: 100, description: 'questions that it takes at once' })
  capacity!: number;

  @ApiProperty({ type: 'integer', format: 'int64', example: 1234 })
  requests!: number;

  @ApiProperty({ type: 'integer', format: 'int64', example: 0 })
  errors!: number;

  @ApiProperty({ type: PolicyAgentCapabilitiesDto })
  capabilities!: PolicyAgentCapabilitiesDto;

  @ApiPropertyOptional({ type: HealthReportDto, description: 'what it said of itself last' })
  health_report?: HealthReportDto;
}

/** For logs and audits, as the agent gave it. */
export class AuditDto {
  @ApiProperty({ type: [String], example: ['sqli'] })
  tags!: readonly string[];

  @ApiProperty({ type: [String], example: ['942100'] })
  rule_ids!: readonly string[];

  @ApiProperty({ type: Number, nullable: true, example: 0.97, description: '0 to 1' })
  confidence!: number | null;

  @ApiProperty({ type: [String] })
  reason_codes!: readonly string[];

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  custom!: Readonly<Record<string, string>>;
}

/** One decision, or why there was none. */
export class PolicyDecisionDto {
  @ApiProperty({ format: 'date-time' })
  at!: string;

  @ApiProperty({ example: 'pf9bd438c-17', description: 'of the exchange, as the agent was told it' })
  correlation_id!: string;

  @ApiProperty({ example: 'request_headers' })
  event!: string;

  @ApiProperty({ example: 'block', description: '`error`, `skipped`: the agent did not decide' })
  outcome!: string;

  @ApiProperty({ example: '', description: 'why it did not, such as `timeout`' })
  reason!: string;

  @ApiProperty({ type: 'integer', example: 403, description: 'of an answer in place of the service’s; 0: none' })
  status!: number;

  @ApiProperty({ example: 'GET /admin', description: 'without the query' })
  request!: string;

  @ApiProperty({ example: '192.0.2.7' })
  client_address!: string;

  @ApiPropertyOptional({ type: AuditDto })
  audit?: AuditDto;
}

const COUNTS = { type: 'object', additionalProperties: { type: 'integer', format: 'int64' } } as const;

/** `GET /policy-agents/:name` */
export class PolicyAgentDetailDto extends PolicyAgentDto {
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { address: 'grpc://127.0.0.1:50051', timeoutMs: 5000 },
    description: 'all of its settings, as `policyAgents` takes them; secrets are hidden',
  })
  settings!: object;

  @ApiProperty({ type: [PolicyConnectionDto] })
  connections!: PolicyConnectionDto[];

  @ApiProperty({ description: 'by an operator: it is asked nothing' })
  drained!: boolean;

  @ApiProperty({ enum: ['closed', 'open', 'halfOpen'], description: '`open`: it is asked nothing for a while' })
  breaker!: string;

  @ApiProperty({ ...COUNTS, example: { 'request_headers allow': 1222 }, description: 'by event and outcome' })
  questions_by_outcome!: Record<string, number>;

  @ApiProperty({ ...COUNTS, example: { timeout: 1 }, description: 'questions without an answer of use, by reason' })
  failures_by_reason!: Record<string, number>;

  @ApiProperty({ ...COUNTS, example: { '942100': 12 }, description: 'by the ids that the agent gives' })
  rule_hits!: Record<string, number>;

  @ApiProperty({
    ...COUNTS,
    example: { cancelled: 3, late_answers: 0 },
    description: 'exchanges cut off, answers that nobody waited for, messages passed over, signals of flow control',
  })
  counts!: Record<string, number>;

  @ApiProperty({ type: 'integer', example: 12, description: 'series of its own in `GET /metrics`' })
  reported_series!: number;

  @ApiProperty({ type: [PolicyDecisionDto], description: 'the newest first' })
  decisions!: PolicyDecisionDto[];

  @ApiProperty({ type: [PolicyUpdateDto], description: 'what it asked of the gateway, the newest first' })
  updates!: PolicyUpdateDto[];
}
