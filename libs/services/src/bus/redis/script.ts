import type { RedisBusLimits } from './options.js';
import { SCRIPT_OPERATIONS } from './script-operations.js';
import { SCRIPT_REQUESTS } from './script-requests.js';
import { SCRIPT_ROUTING } from './script-routing.js';

/**
 * The one script of the bus: every step of an invocation happens whole or not
 * at all, and several of them in one call. Its first argument says what is asked:
 *
 * - `hello caller worker callerKnown workerKnown`: at each new connection
 * - `batch caller sequence trim sentAt op…`: sends, results and comings and goings, once and in order. Its
 *   answer is `DONE`, or a list with the place and the error of each step that failed behind it; the place after
 *   the last one is of replies that could not be written
 * - `beat caller worker trim mayReap`: this process lives; others may have died
 *
 * Names in Redis, all after `keyPrefix` (`{lane}` is a message key up to `/invokes/` for an
 * object, the whole key for a stateless method; checklist B14):
 *
 * | name | what |
 * | --- | --- |
 * | `{lane}:queue` | list: accepted invocations that wait, oldest first |
 * | `oprc/{pkg}.{cls}/{partition}/objects[/{obj}]:agents`, `…/invokes/{fn}:agents` | list: subscriptions, `worker/number` |
 * | `…:leaving`, where there is `…:agents` | list: subscriptions that take nothing new and still run something |
 * | `oprc/{pkg}.{cls}/{partition}/objects[/{obj}]:ready` | list: objects whose next invocation waits for a free agent |
 * | `oprc/{pkg}.{cls}/{partition}:busy` | hash: object to `R` (runs) or `W` (is in a list of ready ones) |
 * | `oprc/{pkg}.{cls}/{partition}:waiting` | set: where something waits for a free agent |
 * | `oprc/{pkg}.{cls}/{partition}:dead` | stream: dead letters |
 * | `work:{worker}` | stream: what was given to a worker and not answered yet |
 * | `w:{worker}` | hash: subscription to what it serves; with `leaving:` before it, to what it served |
 * | `free` | hash: subscription to how many more it takes |
 * | `workers` | sorted set: worker to when it is suspected, or with .5 counts as dead |
 * | `queued` | sorted set: queue to when its first invocation expires, or in an hour |
 * | `in:{caller}` | stream: replies; those of one call of the script are one entry, number and reply by turns. Number 0 is to the process itself: `C{caller},{call}`, who may run it is told that its caller has left |
 * | `proc:{caller}` | hash: `seq`, the last batch that was done |
 * | `left:{caller}:{call}` | the caller left before it began; until workerTimeoutMs beyond its deadline |
 *
 * An entry of `work:` is the right to answer: who cannot delete it has lost it.
 * A worker's name begins with that of its process as a caller, and a dot: what its inbox is can be told from it.
 * Invariant: while something waits in a group, none of its agents is free.
 */
export function busScript(limits: RedisBusLimits): string {
  return `
local PREFIX = '${limits.keyPrefix}'
local MAX_OBJECT, MAX_METHOD, MAX_DEAD = ${limits.maxQueuedPerObject}, ${limits.maxQueuedPerMethod}, ${limits.deadLetterLimit}
local WORKER_MS, CALLER_MS = ${limits.workerTimeoutMs}, ${callerMemoryMs(limits)}
${SCRIPT_ROUTING}
${SCRIPT_OPERATIONS}
${SCRIPT_REQUESTS}`;
}

/** How long a caller that is silent keeps its inbox, ms: far beyond a break that it could wake from. */
export function callerMemoryMs({ workerTimeoutMs }: RedisBusLimits): number {
  return Math.max(300_000, 10 * workerTimeoutMs);
}
