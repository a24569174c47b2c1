import { ServicesError } from '../errors.js';
import { type Invocation, invocationKey } from '../invocation/invocation.js';
import type { BusLimits } from './bus-options.js';

// Why a bus fails a call; InvocationBus.invoke() has the list.

export function closedBus(): ServicesError {
  return new ServicesError('BERTH_SERVICE_BUS_UNAVAILABLE', 'the bus is closed');
}

/** @param reason of {@link InvocationBus.health} */
export function away(what: string, reason: string): ServicesError {
  return new ServicesError('BERTH_SERVICE_BUS_UNAVAILABLE', `${what}: the broker is away (${reason}); try again later`);
}

export function tooLarge(
  invocation: Invocation,
  { maxPayloadBytes: limit, payloadBound }: Pick<BusLimits, 'maxPayloadBytes' | 'payloadBound'>,
): ServicesError {
  const { length } = invocation.payload;
  return new ServicesError(
    'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
    `the payload of ${invocationKey(invocation)} has ${length} bytes; ${payloadBound} is ${limit}`,
    { length, limit },
  );
}

export function headTooLarge({ service, method }: Invocation, length: number, limit: number): ServicesError {
  return new ServicesError(
    'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
    `id, key and options of a call of '${service}', method '${method.slice(0, 100)}', have ${length} bytes; at most ${limit}`,
    { length, limit },
  );
}

export function noAgent(invocation: Invocation): ServicesError {
  return new ServicesError(
    'BERTH_SERVICE_NO_AGENT',
    `no agent serves ${invocationKey(invocation)}; start one for it with startAgent()`,
  );
}

export function busy(invocation: Invocation, setting: string, limit: number): ServicesError {
  return new ServicesError(
    'BERTH_SERVICE_BUSY',
    `${invocationKey(invocation)} is refused: ${setting} is ${limit}; try again later`,
    { setting, limit },
  );
}

export function timedOut(invocation: Invocation): ServicesError {
  return new ServicesError('BERTH_SERVICE_TIMEOUT', `no reply to ${invocationKey(invocation)} by its deadline`);
}

export function cancelled(invocation: Invocation): ServicesError {
  return new ServicesError('BERTH_SERVICE_CANCELLED', `the caller of ${invocationKey(invocation)} has left`);
}

export function workerLost(invocation: Invocation, attempts: number): ServicesError {
  return new ServicesError(
    'BERTH_SERVICE_OUTCOME_UNKNOWN',
    `the worker of ${invocationKey(invocation)} was lost (delivery ${attempts}); it may have taken effect`,
    { attempts },
  );
}
