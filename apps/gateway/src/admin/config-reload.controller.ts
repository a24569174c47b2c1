import { Controller, HttpCode, Post } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiServiceUnavailableResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { ConfigReload } from '../reload/index.js';
import { AdminApi, ApiNeedsToken } from './admin-api.js';
import { ErrorDto } from './error.dto.js';

/** What came of looking the settings up again. */
export class ConfigReloadDto {
  @ApiProperty({ type: [String], example: ['ingress.maxBodyBytes'], description: 'settings with new values, in force' })
  changed!: readonly string[];

  @ApiProperty({ type: [String], example: ['grpc.port'], description: 'settings whose new values wait for a restart' })
  restart_required!: readonly string[];
}

/** The gateway's own settings. */
@ApiTags('gateway')
@AdminApi()
@ApiNeedsToken()
@Controller('config')
export class ConfigReloadController {
  constructor(private readonly reloads: ConfigReload) {}

  @Post('reload')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Look the settings up again',
    description:
      'File, environment and flags, as at start. What can change does at once; requests under way go on. A file that is wrong changes nothing.',
  })
  @ApiOkResponse({ type: ConfigReloadDto })
  @ApiUnprocessableEntityResponse({
    type: ErrorDto,
    description: 'BERTH_RELOAD_REFUSED: what is wrong, a line for each, and nothing has changed',
  })
  @ApiServiceUnavailableResponse({ type: ErrorDto, description: 'BERTH_DRAINING: the gateway is shutting down' })
  reloadConfig(): ConfigReloadDto {
    const { changed, needRestart } = this.reloads.reload();
    return { changed, restart_required: needRestart };
  }
}
