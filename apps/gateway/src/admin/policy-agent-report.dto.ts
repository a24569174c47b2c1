import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** What a policy agent said of itself when it was reached. */
export class PolicyAgentCapabilitiesDto {
  @ApiProperty({ example: 'waf-0', description: 'as it calls itself' })
  agent_id!: string;

  @ApiProperty({ example: 'Example WAF' })
  name!: string;

  @ApiProperty({ example: '1.4.0' })
  version!: string;

  @ApiProperty({ type: 'integer', example: 2 })
  protocol_version!: number;

  @ApiProperty({ type: [String], example: ['request_headers'], description: 'events that it wants to see' })
  events!: string[];

  @ApiProperty({ type: [String], example: ['cancellation'], description: 'what else it can do' })
  features!: string[];

  @ApiProperty({ type: 'integer', example: 0, description: 'questions that it takes at once; 0: it does not say' })
  concurrent_requests!: number;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'integer', format: 'int64' },
    example: { max_body_size: 10_485_760, max_concurrency: 100, preferred_chunk_size: 65_536 },
  })
  limits!: Record<string, number>;
}

/** Its last health report. */
export class HealthReportDto {
  @ApiProperty({ enum: ['healthy', 'degraded', 'draining', 'unhealthy'] })
  state!: string;

  @ApiProperty({ example: '', description: 'what it says; empty: nothing' })
  message!: string;

  @ApiProperty({ format: 'date-time', description: 'by the agent’s clock' })
  at!: string;

  @ApiProperty({ example: 1, description: 'how much longer its deadlines are to be' })
  timeout_multiplier!: number;

  @ApiProperty({ type: [String], description: 'features that it does without' })
  disabled_features!: readonly string[];

  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'number' }, example: { in_flight: 3 } })
  load?: Record<string, number>;

  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'number' }, example: { cpu_percent: 12.5 } })
  resources?: Record<string, number>;
}
