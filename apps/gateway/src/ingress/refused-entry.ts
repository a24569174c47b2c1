import type { BerthError } from '@berth/errors';
import { headerValue } from '@berth/http-rules';
import { peerAddress } from '@berth/http-server-pool';
import type { AccessEntry } from '../access-log/index.js';
import type { LocalService } from '../agents/index.js';
import type { LoggedRequest } from './http/answer-log.js';

/** The line of the access log for what came to a port of HTTP, was refused, and never became an exchange. */
export function refusedEntry(
  service: LocalService,
  error: BerthError,
  requestId: string,
  { httpVersion = '1.1', method = '', rawHeaders = [], socket, url = '' }: LoggedRequest,
): AccessEntry {
  return {
    ...refused(service, error, peerAddress(socket.remoteAddress)),
    method,
    target: url,
    protocol: `HTTP/${httpVersion}`,
    status: error.httpStatus,
    requestId,
    header: (name) => headerValue(rawHeaders, name),
  };
}

/** The same for a connection of raw TCP. @param client its address */
export function refused(service: LocalService, error: BerthError, client: string): AccessEntry {
  return {
    startedAt: Date.now(),
    client,
    agent: service.id,
    service: service.name,
    port: service.port,
    method: '',
    target: '',
    protocol: 'tcp',
    status: undefined,
    bytesIn: 0,
    bytesOut: 0,
    durationMs: undefined,
    headMs: undefined,
    waitMs: undefined,
    requestId: undefined,
    retries: 0,
    error: error.code,
    cut: undefined,
    traceId: undefined,
    header: () => undefined,
  };
}
