/** Bounds that every bus has; all are whole numbers from 1. */
export interface BusOptions {
  /** calls of this process that wait for a reply, 10 000: one more is refused as BUSY */
  readonly maxPendingCalls?: number | undefined;
  /** bytes of payload in all of them, 256 MiB: more is refused as BUSY */
  readonly maxPendingBytes?: number | undefined;
  /** invocations that wait for one object, 1 000: one more is refused as BUSY */
  readonly maxQueuedPerObject?: number | undefined;
  /** invocations that wait for one stateless method, 5 000: one more is refused as BUSY */
  readonly maxQueuedPerMethod?: number | undefined;
  /** of one invocation or reply, 4 MiB, over NATS no more than its `max_payload` has room for: more is PAYLOAD_TOO_LARGE or a reply with BAD_RESULT */
  readonly maxPayloadBytes?: number | undefined;
  /** how many workers may die with one at-least-once invocation, 5 */
  readonly maxDeliveries?: number | undefined;
  /** the wait for a reply of an invocation without a deadline, ms, 30 000 */
  readonly defaultTimeoutMs?: number | undefined;
  /** dead letters kept for each service and partition, 1 000; the oldest are dropped */
  readonly deadLetterLimit?: number | undefined;
}

export const BUS_DEFAULTS = {
  maxPendingCalls: 10_000,
  maxPendingBytes: 256 * 1024 * 1024,
  maxQueuedPerObject: 1_000,
  maxQueuedPerMethod: 5_000,
  maxPayloadBytes: 4 * 1024 * 1024,
  maxDeliveries: 5,
  defaultTimeoutMs: 30_000,
  deadLetterLimit: 1_000,
} as const satisfies Required<BusOptions>;
