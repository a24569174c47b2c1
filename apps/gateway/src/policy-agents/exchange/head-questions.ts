import type { ExchangeRequest } from '@berth/exchange';
import { headerValue } from '@berth/http-rules';
import type { AskedEvent } from '@berth/policy-agents';
import type { Heads } from './heads.js';
import type { Member } from './member.js';
import type { Question } from './panel.js';

/** Whether a body follows that an agent is going to see. */
type SeesBody = (member: Member) => boolean;

export class RequestHeadQuestion implements Question {
  readonly side = 'request';

  /** @param key of the port */
  constructor(
    private readonly request: ExchangeRequest,
    private readonly heads: Heads,
    private readonly correlationId: string,
    private readonly key: string,
    private readonly seesBody: SeesBody,
    private readonly timestampMs: number,
  ) {}

  eventFor(member: Member): AskedEvent | undefined {
    if (!member.supports('requestHeaders')) return undefined;
    const { peer, clientAddress, openHead, protocol = 'HTTP/1.1' } = this.request;
    const headers = this.heads.request ?? [];
    return {
      kind: 'requestHeaders',
      metadata: {
        correlationId: this.correlationId,
        requestId: this.correlationId,
        clientIp: clientAddress,
        clientPort: peer?.remotePort ?? 0,
        serverName: headerValue(headers, 'host'),
        protocol,
        tlsVersion: peer?.getProtocol?.() ?? undefined,
        routeId: this.key,
        upstreamId: this.key,
        timestampMs: this.timestampMs,
        traceparent: headerValue(headers, 'traceparent'),
      },
      method: openHead.method,
      uri: openHead.target,
      httpVersion: protocol,
      headers,
    };
  }

  isLastFor(member: Member): boolean {
    return !this.seesBody(member);
  }
}

export class ResponseHeadQuestion implements Question {
  readonly side = 'response';

  constructor(
    private readonly status: number,
    private readonly heads: Heads,
    private readonly correlationId: string,
    private readonly seesBody: SeesBody,
  ) {}

  eventFor(member: Member): AskedEvent | undefined {
    if (!member.supports('responseHeaders')) return undefined;
    const { correlationId, heads, status } = this;
    return { kind: 'responseHeaders', correlationId, status, headers: heads.response ?? [] };
  }

  isLastFor(member: Member): boolean {
    return !this.seesBody(member);
  }
}
