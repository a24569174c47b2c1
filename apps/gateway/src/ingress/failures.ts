import { BerthError, type ErrorCode } from '#errors';
import { type ExchangeFailure, ResetCode } from '#tunnel-protocol';

const CODES: Partial<Record<ExchangeFailure['code'], ErrorCode>> = {
  [ResetCode.refused]: 'BERTH_AGENT_BUSY',
  [ResetCode.localUnreachable]: 'BERTH_LOCAL_SERVICE_UNREACHABLE',
  [ResetCode.localFailed]: 'BERTH_LOCAL_SERVICE_FAILED',
  [ResetCode.localTimeout]: 'BERTH_RESPONSE_TIMEOUT',
  [ResetCode.unsupported]: 'BERTH_UNSUPPORTED_EXCHANGE',
  'connection-lost': 'BERTH_AGENT_LOST',
};

const MESSAGES: Partial<Record<ErrorCode, string>> = {
  BERTH_AGENT_BUSY: 'takes no more exchanges now',
  BERTH_LOCAL_SERVICE_UNREACHABLE: 'cannot reach its local service',
  BERTH_LOCAL_SERVICE_FAILED: 'got no usable answer from its local service',
  BERTH_RESPONSE_TIMEOUT: 'got no answer from its local service in time',
  BERTH_UNSUPPORTED_EXCHANGE: 'does not serve this kind of exchange',
  BERTH_AGENT_LOST: 'went away before it answered',
};

/** What a client is told about an exchange that failed at or on the way to its agent. */
export function errorOfFailure(agentId: string, failure: ExchangeFailure): BerthError {
  const code = CODES[failure.code] ?? 'BERTH_BAD_AGENT_RESPONSE';
  return new BerthError(code, `agent ${agentId} ${MESSAGES[code] ?? 'broke the exchange off'}`);
}

/** Whether nothing of the exchange can have reached the local service or its answer the client. */
export function isRetryable(failure: ExchangeFailure): boolean {
  return failure.code === 'connection-lost' || failure.code === ResetCode.refused;
}
