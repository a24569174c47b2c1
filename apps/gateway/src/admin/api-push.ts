import { applyDecorators, HttpCode } from '@nestjs/common';
import { ApiBadRequestResponse, ApiBody, ApiOperation, ApiPayloadTooLargeResponse } from '@nestjs/swagger';
import { ErrorDto } from './error.dto.js';

/** What pushes to one and to all have in common. @param example of a configuration */
export function ApiPush(summary: string, description: string, example: object): MethodDecorator {
  return applyDecorators(
    HttpCode(202),
    ApiOperation({ summary, description }),
    ApiBody({
      description: 'the configuration: an object or an array; agents get it as it is',
      schema: { type: 'object', additionalProperties: true, example },
    }),
    ApiBadRequestResponse({ type: ErrorDto, description: 'BERTH_BAD_REQUEST: there is no body, or it is not JSON' }),
    ApiPayloadTooLargeResponse({ type: ErrorDto, description: 'BERTH_BODY_TOO_LARGE: `configPush.maxBytes`' }),
  );
}
