import { ApiProperty } from '@nestjs/swagger';
import type { ErrorBody } from '@berth/errors';

class ErrorDetailDto {
  @ApiProperty({ example: 'BERTH_NOT_FOUND', description: 'stable code' })
  code!: string;

  @ApiProperty({ example: 'Agent my-laptop not found' })
  message!: string;

  @ApiProperty({ example: 'req-4f1c0a9be2d1', description: 'finds the request in the logs' })
  request_id!: string;
}

/** Every error answer of Berth. */
export class ErrorDto implements ErrorBody {
  @ApiProperty({ type: ErrorDetailDto })
  error!: ErrorDetailDto;
}
