import { ServicesError } from '../errors.js';
import type { ObjectKey } from './object-store.js';

/** Largest state of an object unless told otherwise, bytes of UTF-8. */
export const DEFAULT_MAX_STATE_BYTES = 1024 * 1024;

/** @throws ServicesError `BERTH_SERVICE_PAYLOAD_TOO_LARGE` */
export function checkStateSize(key: ObjectKey, state: string, maxStateBytes: number): void {
  // A UTF-16 unit is at most three bytes, so that most states need not be counted.
  if (state.length * 3 <= maxStateBytes) return;
  const bytes = Buffer.byteLength(state);
  if (bytes <= maxStateBytes) return;
  throw new ServicesError(
    'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
    `the state of object '${key.objectId}' of ${key.service} has ${bytes} bytes; maxStateBytes is ${maxStateBytes}`,
    { bytes, maxStateBytes },
  );
}
