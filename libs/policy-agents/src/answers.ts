/** One change to headers, in the order in which they are given. */
export type HeaderOp =
  | { readonly op: 'set'; readonly name: string; readonly value: string }
  | { readonly op: 'add'; readonly name: string; readonly value: string }
  | { readonly op: 'remove'; readonly name: string };

/** Name and value. */
export type Header = readonly [name: string, value: string];

/** What becomes of an exchange (checklist C22). */
export type Decision =
  | { readonly kind: 'allow' }
  | {
      readonly kind: 'block';
      readonly status: number;
      readonly body?: string | undefined;
      readonly headers: readonly Header[];
    }
  | { readonly kind: 'redirect'; readonly url: string; readonly status: number }
  | { readonly kind: 'challenge'; readonly type: string; readonly params: Readonly<Record<string, string>> };

/** For logs and audits. */
export interface AuditData {
  readonly tags: readonly string[];
  readonly ruleIds: readonly string[];
  /** 0 … 1 */
  readonly confidence?: number | undefined;
  readonly reasonCodes: readonly string[];
  readonly custom: Readonly<Record<string, string>>;
}

/** What comes in the place of a chunk. */
export interface BodyMutation {
  readonly chunkIndex: number;
  /** undefined: the chunk as it is; empty: nothing */
  readonly data?: Buffer | undefined;
}

export type FrameDecision =
  { readonly kind: 'allow' } | { readonly kind: 'drop' } | { readonly kind: 'close'; code: number; reason: string };

/** What an agent says to one event. */
export interface AgentAnswer {
  readonly kind: 'answer';
  readonly correlationId: string;
  readonly decision: Decision;
  readonly requestHeaders: readonly HeaderOp[];
  readonly responseHeaders: readonly HeaderOp[];
  readonly audit?: AuditData | undefined;
  readonly processingTimeMs?: number | undefined;
  /** it has not decided yet: it wants to see more first */
  readonly needsMore: boolean;
  /** for the chunk that was asked about; over gRPC a field of Berth's own */
  readonly requestBody?: BodyMutation | undefined;
  readonly responseBody?: BodyMutation | undefined;
  /** for the frame that was asked about; over gRPC a field of Berth's own */
  readonly frame?: FrameDecision | undefined;
}

export const ALLOW: Decision = { kind: 'allow' };

/** An answer that changes nothing. */
export function allowed(correlationId: string): AgentAnswer {
  return {
    kind: 'answer',
    correlationId,
    decision: ALLOW,
    requestHeaders: [],
    responseHeaders: [],
    needsMore: false,
  };
}
