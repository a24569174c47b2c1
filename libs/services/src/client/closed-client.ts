import { ServicesError } from '../errors.js';

/** The refusal of a call through a client that has been closed, the same for all carriers. */
export function closedClient(cause?: unknown): ServicesError {
  return new ServicesError('BERTH_SERVICE_CANCELLED', 'the client has been closed', {}, { cause });
}
