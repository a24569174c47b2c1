import type { OpenHead } from '@berth/exchange';
import type { LimitedLog } from '@berth/observability';
import type { AuditData, Decision, EventKind, Judge } from '@berth/policy-agents';
import type { HeldBytes } from './held-bytes.js';

/** One policy agent of a port, and what it is asked about there: the filters of the port and of the agent together. */
export interface Inspector {
  readonly judge: Judge;
  concerns(head: OpenHead): boolean;
  /** @param contentType in lower case, without parameters; empty: the head does not say */
  concernsBody(contentType: string): boolean;
}

/** How the exchanges of a port are shown to policy agents. */
export interface InspectionOptions {
  /** in their order */
  readonly inspectors: readonly Inspector[];
  /** one after the other, each with what the one before has changed; or all at once */
  readonly mode: 'sequence' | 'parallel';
  /** bodies may become longer or shorter: their length is not told beforehand */
  readonly mutableBodies: boolean;
  /** texts for and of language models are shown to agents that ask for them */
  readonly guardrails: boolean;
  /** of a body that an agent wants to see more of before it decides, and of a message of a WebSocket; bytes */
  readonly maxHeldBytes: number;
  /** that all exchanges share */
  readonly held: HeldBytes;
}

/** What came of one question. */
export interface JudgedEvent {
  readonly agentName: string;
  readonly correlationId: string;
  readonly event: EventKind;
  readonly decision: Decision['kind'];
  /** of an answer in place of the service's; 0: none */
  readonly status: number;
  /** the agent could not be asked, and the exchange passes all the same */
  readonly skipped: boolean;
  readonly audit: AuditData | undefined;
  /** method and path without the query, for people */
  readonly method: string;
  readonly path: string;
  readonly clientAddress: string;
}

/** What the handlers of a port know of it. */
export interface InspectionContext {
  /** agent and local service of the port, such as `printer` or `printer.admin` */
  readonly key: string;
  readonly limitedLog: LimitedLog;
  /** told of each answer, whatever it is: for counts, logs and the last decisions */
  readonly judged: (event: JudgedEvent) => void;
  /** ms since the epoch */
  readonly now?: () => number;
}
