/** Proof that others still count on this process. */
export interface Lease {
  /** it has run out, and others may have this process's objects */
  readonly lapsed: boolean;
  /** another one when any object may have been another process's meanwhile */
  readonly term: number;
}

/** Which objects a process may run calls of, where several processes share them. */
export interface Placement {
  readonly lease: Lease;
  /** `wait`: they come here, and somebody else may still run a call of it */
  of(service: string, partition: number, objectId: string): 'here' | 'wait' | 'elsewhere';
  /** The last call of an object that others have now has ended. */
  released(): void;
}
