import { randomBytes } from 'node:crypto';

/** How a call ended, with the numbers of `oprc.ResponseStatus` (checklist B13). */
export const InvocationStatus = { OKAY: 0, INVALID_REQUEST: 1, APP_ERROR: 2, SYSTEM_ERROR: 3 } as const;
export type InvocationStatus = (typeof InvocationStatus)[keyof typeof InvocationStatus];

/** How often a method may run for one invocation (see docs/services.md, "Delivery"). */
export type Delivery = 'at-most-once' | 'at-least-once';

/** One call of a method, whatever carries it. */
export interface Invocation {
  /** unique; the caller's, or made where it arrives */
  readonly id: string;
  /** `package.Service`, `cls_id` on the wire */
  readonly service: string;
  /** `fn_id` on the wire */
  readonly method: string;
  /** 0..2^32-1 */
  readonly partition: number;
  /** absent: a stateless call */
  readonly objectId?: string | undefined;
  /** as it travels; empty when there is none */
  readonly payload: Uint8Array;
  /** the caller's words to the method */
  readonly options: Readonly<Record<string, string>>;
  /** after it nobody waits any more: ms since 1970 by `steadyNow` of this process */
  readonly deadline?: number | undefined;
  /** calls with the same key, method and object take effect once */
  readonly idempotencyKey?: string | undefined;
  /** the objects whose methods wait for this call, see call-chain.ts */
  readonly chain?: string | undefined;
  /** a dead letter that is called again: whoever calls it keeps what comes of it */
  readonly isRetry?: boolean | undefined;
}

/** What came of an {@link Invocation}. */
export interface InvocationReply {
  readonly status: InvocationStatus;
  /** absent: the method returned nothing; with an error its JSON body, {@link ErrorReplyBody} */
  readonly payload?: Uint8Array | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly invocationId: string;
}

/** The JSON body of a reply that is not OKAY. */
export interface ErrorReplyBody {
  readonly error: {
    /** `BERTH_SERVICE_…`, or what the method's AppError said */
    readonly code: string;
    readonly message: string;
    readonly details?: Readonly<Record<string, unknown>> | undefined;
  };
}

/** Header of a reply: what its payload is; absent for JSON. */
export const CONTENT_TYPE = 'content-type';
export const TEXT = 'text/plain; charset=utf-8';
export const BYTES = 'application/octet-stream';

/** Header of a reply that is not OKAY: the code of the table of errors. */
export const CODE_HEADER = 'berth-code';

/** No words to the method; shared and frozen. */
export const NO_OPTIONS: Readonly<Record<string, string>> = Object.freeze({});

/** Option of a request that carries {@link Invocation.idempotencyKey} over gRPC. */
export const IDEMPOTENCY_OPTION = 'idempotency-key';

/** Option of a request that carries {@link Invocation.chain} over gRPC. */
export const CHAIN_OPTION = 'berth-call-chain';

/** Longest {@link Invocation.idempotencyKey}, bytes of UTF-8. */
export const MAX_IDEMPOTENCY_KEY_BYTES = 256;

/** What is wrong with an idempotency key, or `undefined`: it has 1 to 256 bytes of UTF-8. */
export function keyProblem(key: string): string | undefined {
  if (!key.isWellFormed()) return 'is not valid Unicode';
  const bytes = Buffer.byteLength(key);
  if (bytes >= 1 && bytes <= MAX_IDEMPOTENCY_KEY_BYTES) return undefined;
  return `has ${bytes} bytes; it must have 1 to ${MAX_IDEMPOTENCY_KEY_BYTES}`;
}

/** Random once for the process: drawing it for each call would cost more than the rest of an empty call. */
const ID_PREFIX = randomBytes(9).toString('base64url');
let count = 0;

/** A new invocation id, unique among all processes. */
export function nextInvocationId(): string {
  count += 1;
  return `${ID_PREFIX}-${count.toString(36)}`;
}

/**
 * The message keys (checklist B14), to the letter: `oprc/{pkg}.{cls}/{partition}/invokes/{fn}` for stateless methods,
 * `oprc/{pkg}.{cls}/{partition}/objects/{obj}/invokes/{fn}` for those of an object.
 */
export function invocationKey(target: Pick<Invocation, 'service' | 'partition' | 'method' | 'objectId'>): string {
  const { service, partition, method, objectId } = target;
  const object = objectId === undefined ? '' : `/objects/${objectId}`;
  return `oprc/${service}/${partition}${object}/invokes/${method}`;
}
