import { randomBytes } from 'node:crypto';

/** Random once for the process: drawing it for each call would cost more than the rest of an empty call. */
const PREFIX = randomBytes(9).toString('base64url');
let count = 0;

/** A new invocation id, unique among all processes. */
export function nextInvocationId(): string {
  count += 1;
  return `${PREFIX}-${count.toString(36)}`;
}
