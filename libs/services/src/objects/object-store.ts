import type { InvocationReply } from '../invocation/invocation.js';

/** Whose state it is. */
export interface ObjectKey {
  /** `package.Service` */
  readonly service: string;
  readonly partition: number;
  readonly objectId: string;
}

/** The same for no two objects. */
export function nameOf({ service, partition, objectId }: ObjectKey): string {
  return `${service}/${partition}/${objectId}`;
}

/** What a store knows of an object. */
export interface StoredObject {
  /** 0: never saved */
  readonly version: number;
  /** JSON; absent when never saved, or when the version is the one the caller knows, as far as the store can tell */
  readonly state?: string | undefined;
  /** the reply that was saved with the idempotency key asked for */
  readonly reply?: InvocationReply | undefined;
  /** the store took the caller's word for the version, and asked nobody */
  readonly unasked?: boolean | undefined;
}

/** A reply to remember together with the state it belongs to. */
export interface RememberedReply {
  readonly idempotencyKey: string;
  readonly reply: InvocationReply;
  /** how long, ms, 1.. */
  readonly ttlMs: number;
}

/**
 * Keeps the state of objects with optimistic versions: of two writers that
 * started from the same version the second one is told so, and no update is lost.
 *
 * Each operation for a call gets the call's `deadline`, ms since 1970 by `steadyNow`. A store that is away for a while should
 * wait and try again until then, and no longer; without a deadline it has a limit of its own. One that does
 * neither costs nothing but time: whoever calls it stops waiting at the deadline, and does not know what came of it.
 *
 * All methods throw ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE` when the store cannot be used, and
 * `BERTH_SERVICE_TIMEOUT` at the deadline: nothing was changed then. Those that write throw
 * `BERTH_SERVICE_OUTCOME_UNKNOWN` when a change was sent and nobody knows whether it was made, and
 * `BERTH_SERVICE_PAYLOAD_TOO_LARGE`.
 */
export interface ObjectStore {
  /**
   * @param knownVersion the version that the caller holds: the state is then not sent again
   * @param idempotencyKey also asks for the reply remembered with it
   * @param trusted nobody else has changed the object since, as far as its caller knows: the store need not ask, see
   *   {@link StoredObject.unasked}. Whether it was true shows when the object is saved
   */
  load(
    key: ObjectKey,
    knownVersion?: number,
    idempotencyKey?: string,
    deadline?: number,
    trusted?: boolean,
  ): Promise<StoredObject>;

  /**
   * Saves as a higher version if the stored version still is `expectedVersion`: by one as a rule; an object
   * that was deleted goes on above its old versions, so that nobody takes what he knew of it for current.
   * State and remembered reply are saved both or neither.
   *
   * @param state JSON; absent: unchanged, only the reply is remembered and the version stays
   * @returns the version now stored, or `undefined` when somebody else was faster
   */
  save(
    key: ObjectKey,
    expectedVersion: number,
    state: string | undefined,
    remember?: RememberedReply,
    deadline?: number,
  ): Promise<number | undefined>;

  /** Forgets the object with its remembered replies. @returns whether there was one */
  delete(key: ObjectKey, deadline?: number): Promise<boolean>;

  /** The reply remembered for a stateless call, see {@link ObjectStore.rememberReply}. */
  recallReply(scope: string, idempotencyKey: string, deadline?: number): Promise<InvocationReply | undefined>;
  /** Remembers the reply of a stateless call. @param scope service, partition and method */
  rememberReply(scope: string, remember: RememberedReply, deadline?: number): Promise<void>;

  health(): { readonly state: 'up' | 'down' | 'closed'; readonly reason?: string | undefined };
  close(): Promise<void>;
}
