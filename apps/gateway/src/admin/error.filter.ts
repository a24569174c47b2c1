import { randomBytes } from 'node:crypto';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { Response } from 'express';
import { BerthError, errorBody, type ErrorCode } from '#errors';
import type { Log } from '#observability';
import { GATEWAY_LOG } from '../gateway.tokens.js';

/** The one place where errors become answers of the admin API. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(@Inject(GATEWAY_LOG) private readonly log: Log) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw thrown;
    const response = host.switchToHttp().getResponse<Response>();
    const requestId = `req-${randomBytes(6).toString('hex')}`;
    // Terminus answers with its own report of what is down.
    if (thrown instanceof HttpException && thrown.getStatus() === 503) {
      response.status(503).json(thrown.getResponse());
      return;
    }
    const error = asBerthError(thrown);
    if (error.code === 'BERTH_INTERNAL') this.log.error({ requestId, err: thrown }, 'admin request failed');
    const status = thrown instanceof HttpException ? thrown.getStatus() : error.httpStatus;
    response.status(status).json(errorBody(error, requestId));
  }
}

function asBerthError(thrown: unknown): BerthError {
  if (!(thrown instanceof HttpException)) return BerthError.from(thrown);
  const codes: Partial<Record<number, ErrorCode>> = { 404: 'BERTH_NOT_FOUND', 405: 'BERTH_METHOD_NOT_ALLOWED', 413: 'BERTH_BODY_TOO_LARGE' };
  const status = thrown.getStatus();
  return new BerthError(codes[status] ?? (status < 500 ? 'BERTH_BAD_REQUEST' : 'BERTH_INTERNAL'), thrown.message);
}
