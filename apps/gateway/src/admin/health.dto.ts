import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';

/** `GET /health` */
export class HealthDto {
  @ApiProperty({ enum: ['ok'], example: 'ok' })
  status!: 'ok';
}

/** One thing that has to be up. */
class CheckDto {
  @ApiProperty({ enum: ['up', 'down'], example: 'up' })
  status!: 'up' | 'down';

  @ApiPropertyOptional({ type: 'integer', example: 9090, description: 'where it listens' })
  port?: number;

  @ApiPropertyOptional({ example: 'the gateway is shutting down', description: 'why it is down' })
  message?: string;
}

const CHECKS = {
  type: 'object',
  additionalProperties: { $ref: getSchemaPath(CheckDto) },
} as const;

/** `GET /health/ready`: a check by the name of what was looked at. */
@ApiExtraModels(CheckDto)
export class ReadinessDto {
  @ApiProperty({ enum: ['ok', 'error', 'shutting_down'], example: 'ok' })
  status!: string;

  @ApiProperty({ ...CHECKS, description: 'what is up', example: { grpc: { status: 'up', port: 9090 } } })
  info!: Record<string, CheckDto>;

  @ApiProperty({ ...CHECKS, description: 'what is down', example: {} })
  error!: Record<string, CheckDto>;

  @ApiProperty({ ...CHECKS, description: 'both', example: { grpc: { status: 'up', port: 9090 } } })
  details!: Record<string, CheckDto>;
}
