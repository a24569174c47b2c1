import type { GuardrailText } from './guardrail-question.js';
import type { Side } from './member.js';

/** Server-sent events, or a piece of JSON in each line. */
export type StreamKind = 'events' | 'lines';

/** Finds the texts of one body while it passes. */
export interface TextReader {
  /** there are no texts in it: nobody has to look at it */
  readonly hasNone: boolean;
  /** there are as many texts as are judged at once */
  readonly isDue: boolean;
  /** nothing that it has seen waits to be judged */
  readonly isClear: boolean;
  /** Looks at what comes next. @returns how many of these bytes may go on once the texts so far are judged; others belong to what is not complete */
  push(bytes: Buffer): number;
  /**
   * The texts that have come since the last call.
   *
   * @param held all that has not gone on
   * @param isEnd nothing more comes
   * @throws Unreadable
   */
  take(held: () => Buffer, isEnd: boolean): Promise<readonly GuardrailText[]>;
}

/** How a body is written, as far as its head says it. */
export interface BodyForm {
  readonly side: Side;
  /** content codings in the order in which they were applied */
  readonly codings: readonly string[];
  /** undefined: one piece of JSON, if anything */
  readonly stream: StreamKind | undefined;
  /** that a coded body may become */
  readonly maxBytes: number;
}
