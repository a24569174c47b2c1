import { BerthError, type ErrorCode } from '@berth/errors';
import { type ExchangeFailure, ResetCode } from '@berth/exchange';
import type { ExchangeOptions } from './exchange-context.js';

const CODES: Partial<Record<ExchangeFailure['code'], ErrorCode>> = {
  [ResetCode.refused]: 'BERTH_AGENT_BUSY',
  [ResetCode.localBusy]: 'BERTH_LOCAL_SERVICE_BUSY',
  [ResetCode.localUnreachable]: 'BERTH_LOCAL_SERVICE_UNREACHABLE',
  [ResetCode.localFailed]: 'BERTH_LOCAL_SERVICE_FAILED',
  [ResetCode.localTimeout]: 'BERTH_RESPONSE_TIMEOUT',
  [ResetCode.unsupported]: 'BERTH_UNSUPPORTED_EXCHANGE',
  'connection-lost': 'BERTH_AGENT_LOST',
};

const MESSAGES: Partial<Record<ErrorCode, string>> = {
  BERTH_AGENT_BUSY: 'takes no more exchanges now (tunnel.maxExchanges or maxConcurrency at the agent)',
  BERTH_LOCAL_SERVICE_BUSY: 'has all its connections to its local service in use (local.maxConnections at the agent)',
  BERTH_LOCAL_SERVICE_UNREACHABLE: 'cannot reach its local service',
  BERTH_LOCAL_SERVICE_FAILED: 'got no usable answer from its local service',
  BERTH_RESPONSE_TIMEOUT: 'got no answer from its local service in time (local.responseTimeoutMs of the agent)',
  BERTH_UNSUPPORTED_EXCHANGE: 'does not serve this kind of exchange',
  BERTH_AGENT_LOST: 'went away before it answered',
};

/** What a client is told about an exchange that failed at or on the way to its agent; the cause is for the log. */
export function errorOfFailure(agentId: string, failure: ExchangeFailure): BerthError {
  if (failure.error !== undefined) return failure.error;
  const code = CODES[failure.code] ?? 'BERTH_BAD_AGENT_RESPONSE';
  // Only this reason is for clients as well: agents leave addresses out of it (docs/protocol.md, Enums).
  const reason = failure.code === ResetCode.localUnreachable && failure.message !== '' ? `: ${failure.message}` : '';
  const message = `agent ${agentId} ${MESSAGES[code] ?? 'broke the exchange off'}${reason}`;
  return new BerthError(code, message, { cause: failure });
}

/** What the agent sent is nothing that a client may be sent. */
export function unusableAnswer(agentId: string, why: string): BerthError {
  return new BerthError('BERTH_BAD_AGENT_RESPONSE', `the response of agent ${agentId} cannot be relayed: ${why}`);
}

type Timeouts = Pick<ExchangeOptions, 'responseTimeoutMs' | 'idleTimeoutMs' | 'bodyStartTimeoutMs'>;

/** The request is out, and no response head came. */
export function noAnswer(agentId: string, { responseTimeoutMs }: Timeouts): BerthError {
  return new BerthError(
    'BERTH_RESPONSE_TIMEOUT',
    `agent ${agentId} sent no response head within ${responseTimeoutMs} ms (ingress.responseTimeoutMs)`,
  );
}

/** The upgrade is out, and no answer came. */
export function noAnswerToUpgrade(agentId: string, { responseTimeoutMs }: Timeouts): BerthError {
  return new BerthError(
    'BERTH_RESPONSE_TIMEOUT',
    `agent ${agentId} sent no answer to the upgrade within ${responseTimeoutMs} ms (ingress.responseTimeoutMs)`,
  );
}

/** The client would send more of its body, and the agent does not take it. */
export function uploadStuck(agentId: string, { idleTimeoutMs }: Timeouts): BerthError {
  return new BerthError(
    'BERTH_RESPONSE_TIMEOUT',
    `the service of agent ${agentId} took nothing of the request body for ${idleTimeoutMs} ms (ingress.idleTimeoutMs)`,
  );
}

/** The client sends no more of its body. */
export function uploadStopped({ idleTimeoutMs }: Timeouts): BerthError {
  return new BerthError(
    'BERTH_REQUEST_TIMEOUT',
    `the request body stood still for ${idleTimeoutMs} ms (ingress.idleTimeoutMs)`,
  );
}

/**
 * Nothing moved in either direction, and the answer has begun.
 *
 * @param raw on a connection of a TCP port
 */
export function stoodStill(timeoutMs: number, raw: boolean): BerthError {
  const setting = raw ? 'ingress.tcpIdleTimeoutMs' : 'ingress.idleTimeoutMs';
  return new BerthError('BERTH_RESPONSE_TIMEOUT', `nothing moved for ${timeoutMs} ms (${setting})`);
}

/** The client announced a body and has sent nothing of it. */
export function bodyNotBegun({ bodyStartTimeoutMs }: Timeouts): BerthError {
  return new BerthError(
    'BERTH_REQUEST_TIMEOUT',
    `the request body did not begin within ${bodyStartTimeoutMs} ms (ingress.bodyStartTimeoutMs)`,
  );
}

/** The client sends its body, but hardly. */
export function uploadTooSlow(bytes: number, { minRateBytesPerSecond, rateWindowMs }: ExchangeOptions): BerthError {
  const rule = `ingress.minRateBytesPerSecond is ${minRateBytesPerSecond}`;
  return new BerthError(
    'BERTH_REQUEST_TIMEOUT',
    `${bytes} bytes of the request body came in ${rateWindowMs} ms (${rule}, ingress.rateWindowMs)`,
  );
}

/** The error for a body over `ingress.maxBodyBytes`. */
export function bodyTooLarge(limit: number): BerthError {
  return new BerthError(
    'BERTH_BODY_TOO_LARGE',
    `the request body is larger than ${limit} bytes (ingress.maxBodyBytes, or limits.maxBodyBytes of the port)`,
  );
}
