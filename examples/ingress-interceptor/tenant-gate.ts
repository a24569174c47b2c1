import { Injectable } from '@nestjs/common';
import {
  appendHeader,
  type IngressAnswer,
  type IngressInterceptor,
  type IngressRequest,
  type IngressResponse,
  setHeader,
  UseAtIngress,
} from 'berth-gateway';

/**
 * Sees every exchange of every agent: blocks what no client should reach, tells
 * the local service which agent it is behind, and marks the answers.
 */
@Injectable()
@UseAtIngress({ order: 10 })
export class TenantGate implements IngressInterceptor {
  onRequest(request: IngressRequest): IngressAnswer | undefined {
    if (request.target.startsWith('/internal')) {
      return { status: 403, headers: ['Content-Type', 'text/plain'], body: 'not from outside\n' };
    }
    setHeader(request.headers, 'X-Agent-Id', request.agentId);
  }

  onResponse(response: IngressResponse): void {
    appendHeader(response.headers, 'X-Relayed-By', 'berth');
  }
}
