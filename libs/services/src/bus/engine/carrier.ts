/** What a {@link Carrier} tells whoever opened it. All bytes are lent: they change when the call returns. */
export interface CarrierEvents {
  /** for this process alone, or announced by any, this one too */
  received(bytes: Uint8Array): void;
  /** nobody is there to whom the message with this tag was sent */
  unreached(tag: string): void;
  /** what is sent from now on may be lost */
  down(reason: string): void;
  /** it carries again; what was on the way when it went down may be lost */
  up(): void;
}

/**
 * Brings messages from process to process, and no more: what is on the way may be lost when the way breaks. What two
 * processes send each other arrives in the order in which it was sent. Who is there, who owns an object, repeats and
 * outcomes are the business of the bus on top.
 */
export interface Carrier {
  /** of this process; no other one has had it */
  readonly id: string;
  /** of one message */
  readonly maxBytes: number;
  /** what sets that, for whoever wants to raise it */
  readonly maxBytesName: string;
  /**
   * Begins to listen, and asks those that are there to say who they are.
   *
   * @param question comes to all that have been opened, as if it had been sent to each
   * @returns whether there is anybody
   */
  open(events: CarrierEvents, question: Uint8Array): Promise<boolean>;
  /** To all processes, this one too. */
  announce(bytes: Uint8Array): void;
  /**
   * @param key the message key of a call (checklist B14), for those who look at the carrier
   * @param tag see {@link CarrierEvents.unreached}; a number or none
   */
  send(to: string, bytes: Uint8Array, key?: string, tag?: string): void;
  /** Resolves when all that others had sent before this one's last message has come. Never rejects. */
  flush(): Promise<void>;
  health(): { readonly state: 'up' | 'down'; readonly reason?: string | undefined };
  /** Sends what is to be sent, and ends. */
  close(): Promise<void>;
}
