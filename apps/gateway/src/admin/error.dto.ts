import { ApiProperty } from '@nestjs/swagger';
import type { ErrorBody, ProblemBody } from '@berth/errors';

class ErrorDetailDto {
  @ApiProperty({ example: 'BERTH_NOT_FOUND', description: 'stable code' })
  code!: string;

  @ApiProperty({ example: 'Agent my-laptop not found' })
  message!: string;

  @ApiProperty({ example: 'req-4f1c0a9be2d1', description: 'finds the request in the logs' })
  request_id!: string;
}

/** Every error answer of Berth, unless its client prefers problems. */
export class ErrorDto implements ErrorBody {
  @ApiProperty({ type: ErrorDetailDto })
  error!: ErrorDetailDto;
}

/** The same for `Accept: application/problem+json` (RFC 9457). */
export class ProblemDto implements ProblemBody {
  @ApiProperty({ example: 'about:blank', description: 'always so: `code` tells problems apart' })
  type!: string;

  @ApiProperty({ example: 'Not Found', description: 'that of the status' })
  title!: string;

  @ApiProperty({ type: 'integer', example: 404, description: 'HTTP status' })
  status!: number;

  @ApiProperty({ example: 'Agent my-laptop not found' })
  detail!: string;

  @ApiProperty({ example: '/agents/my-laptop', description: 'path of the request' })
  instance!: string;

  @ApiProperty({ example: 'BERTH_NOT_FOUND', description: 'stable code' })
  code!: string;

  @ApiProperty({ example: 'req-4f1c0a9be2d1', description: 'finds the request in the logs' })
  request_id!: string;
}
