import { ServicesError } from '../../errors.js';
import type { Invocation } from '../../invocation/invocation.js';
import { invocationKey } from '../../invocation/keys.js';

// Why the memory bus fails a call; InvocationBus.invoke() has the list.

export function unavailable(): ServicesError {
  return new ServicesError('BERTH_SERVICE_BUS_UNAVAILABLE', 'the bus is closed');
}

export function tooLarge(invocation: Invocation, limit: number): ServicesError {
  const { length } = invocation.payload;
  return new ServicesError(
    'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
    `the payload of ${invocationKey(invocation)} has ${length} bytes; maxPayloadBytes is ${limit}`,
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

export function outcomeUnknown(invocation: Invocation, attempts: number): ServicesError {
  return new ServicesError(
    'BERTH_SERVICE_OUTCOME_UNKNOWN',
    `the worker of ${invocationKey(invocation)} was lost (delivery ${attempts}); it may have taken effect`,
    { attempts },
  );
}
