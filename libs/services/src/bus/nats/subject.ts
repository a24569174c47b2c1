import { escaped } from '../../nats/escaped.js';

/** What a token of a subject may have; the rest is written as %2E, %2A … */
const PLAIN = /^[A-Za-z0-9_\-$=]+$/;
const FORBIDDEN = /[^A-Za-z0-9_\-$=]/gu;

/**
 * A message key (checklist B14) as a NATS subject: each `/` becomes a `.`, and so the `.` between package and service
 * stays what it is. What a subject cannot have in an object's id is percent-encoded.
 */
export function subjectOf(key: string): string {
  const parts = key.split('/');
  // `oprc`, service, partition, and then `objects`, id, …
  const id = parts[3] === 'objects' ? parts[4] : undefined;
  if (id !== undefined && !PLAIN.test(id)) parts[4] = escaped(id, '%', FORBIDDEN);
  const last = parts.length - 1;
  if (!PLAIN.test(parts[last] ?? '')) parts[last] = escaped(parts[last] ?? '', '%', FORBIDDEN);
  return parts.join('.');
}
