import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Inject,
  ServiceUnavailableException,
} from '@nestjs/common';
import type { Request, Response } from 'express';
import { BerthError, type ErrorCode, messageOf } from '@berth/errors';
import { newRequestId } from '@berth/http-server-pool';
import type { Log } from '@berth/observability';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { errorText } from '../ingress/index.js';

/** The one place where errors become answers of the admin API: bound to its controllers, and to all of `berth-gateway`. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(@Inject(GATEWAY_LOG) private readonly log: Log) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw thrown;
    const response = host.switchToHttp().getResponse<Response>();
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // Terminus answers with its own report of what is down.
    if (thrown instanceof ServiceUnavailableException && isHealthReport(thrown.getResponse())) {
      response.status(503).json(thrown.getResponse());
      return;
    }
    const requestId = newRequestId();
    const status = statusOf(thrown);
    const error = asBerthError(thrown, status);
    if (error.code === 'BERTH_INTERNAL') this.log.error({ requestId, err: thrown }, 'admin request failed');
    else this.log.debug({ requestId, code: error.code, reason: error.message }, 'admin request answered with an error');
    const { headers, originalUrl } = host.switchToHttp().getRequest<Request>();
    const code = status ?? error.httpStatus;
    const { type, body } = errorText(error, requestId, { accept: headers.accept, target: originalUrl }, code);
    response.status(code).setHeader('Content-Type', type);
    // As bytes: of a text Express names the charset, which a problem does not have (RFC 9457, section 6.1).
    response.send(Buffer.from(body));
  }
}

const CODES: Partial<Record<number, ErrorCode>> = {
  404: 'BERTH_NOT_FOUND',
  405: 'BERTH_METHOD_NOT_ALLOWED',
  413: 'BERTH_BODY_TOO_LARGE',
};

function asBerthError(thrown: unknown, status: number | undefined): BerthError {
  if (status === undefined) return BerthError.from(thrown);
  const code = CODES[status] ?? (status < 500 ? 'BERTH_BAD_REQUEST' : 'BERTH_INTERNAL');
  return new BerthError(code, status < 500 ? messageOf(thrown) : 'internal error', { cause: thrown });
}

/** The status in an error of Nest, or of Express and its body parser; undefined for all others. */
function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HttpException) return thrown.getStatus();
  if (thrown instanceof BerthError || !(thrown instanceof Error) || !('status' in thrown)) return undefined;
  const { status } = thrown;
  return typeof status === 'number' && status >= 400 && status <= 599 ? status : undefined;
}

function isHealthReport(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'details' in body;
}
