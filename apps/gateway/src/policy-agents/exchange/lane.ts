import type { BerthError } from '@berth/errors';
import type { FlatHeaders } from '@berth/exchange';
import type { Instead } from './instead.js';

/** One direction of an exchange past its agents. */
export interface Lane {
  /** that have come and not gone on */
  readonly bytes: number;
  push(bytes: Buffer): void;
  end(trailers: FlatHeaders | undefined): void;
  /** What waits is wanted by nobody any more. */
  drop(): void;
}

/** Where a lane leads. */
export interface Outlet {
  /** The head goes; ends when bytes can follow it. */
  open(): Promise<void>;
  /** undefined: there is room */
  room(): Promise<void> | undefined;
  /** @param came bytes that came for these and count with whoever sent them, until these have been taken */
  pass(bytes: Buffer, came: number): void;
  /** So many bytes that came count here now: more may come. */
  held(came: number): void;
  end(trailers: FlatHeaders | undefined): void;
  /** All that came has gone or is held. */
  idle(): void;
  answer(instead: Instead): void;
  fail(error: BerthError): void;
}
