/**
 * One connection, of whatever kind: all that a pool knows of it. The fields are
 * read at every pick, so they must cost no more than a field or a plain getter.
 */
export interface PoolConnection {
  /** unique within the process */
  readonly id: string;
  /** where it came from; connections with one `instanceId` lead to one process: a replica */
  readonly origin: { readonly instanceId: string };
  /** exchanges under way */
  readonly inFlight: number;
  /** exchanges it takes at once */
  readonly capacity: number;
  /** connected, not draining, not paused */
  readonly accepting: boolean;
  /** so much waits to be sent that nothing should begin here now */
  readonly congested: boolean;
  /** not accepting, because its successor is on the way; still serves while no other connection can */
  readonly standby: boolean;
}
