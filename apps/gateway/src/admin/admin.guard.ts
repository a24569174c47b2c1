import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { BerthError } from '@berth/errors';
import { LimitedLog, type Log } from '@berth/observability';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { AdminAccess } from './admin-access.js';
import { hardenAnswer } from './admin-headers.js';

/** Who needs no token: nobody unless a route says so. */
export const OpenTo = Reflector.createDecorator<'probes' | 'metrics'>();

/** Stands before every route of the admin API, wherever it is served. */
@Injectable()
export class AdminGuard implements CanActivate {
  private readonly log: LimitedLog;

  constructor(
    private readonly access: AdminAccess,
    private readonly reflector: Reflector,
    @Inject(GATEWAY_LOG) log: Log,
  ) {
    this.log = new LimitedLog(log);
  }

  /** @throws BerthError of {@link AdminAccess} */
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<Request>();
    const response = context.switchToHttp().getResponse<Response>();
    hardenAnswer(response);
    this.access.checkRequest(request);
    if (this.isOpen(context)) return true;
    try {
      this.access.checkToken(request);
    } catch (thrown) {
      const { code, message } = BerthError.from(thrown);
      this.log.warn({ remoteAddress: request.socket.remoteAddress, code, reason: message }, 'admin request refused');
      // RFC 6750, section 3
      response.setHeader('WWW-Authenticate', 'Bearer realm="berth"');
      throw thrown;
    }
    return true;
  }

  private isOpen(context: ExecutionContext): boolean {
    const places = [context.getHandler(), context.getClass()];
    const openTo = this.reflector.getAllAndOverride<'probes' | 'metrics' | undefined>(OpenTo.KEY, places);
    return openTo === 'probes' || (openTo === 'metrics' && this.access.openMetrics);
  }
}
