import type { CancelReason, GuardrailEvent, RequestCompleteEvent, EventKind } from '@berth/policy-agents';
import type { Answer } from './answer.js';
import type { PolicyExchange } from './exchange.js';
import type { BodyChunk, Frame, PolicyRequest, PolicyResponse } from './views.js';

/** What handlers return; nothing means {@link allow}. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a handler that only looks returns nothing
export type Handled = Answer | undefined | void;

/** What a program looks at. The agent is shown what it has a handler for, and nothing else. */
export interface PolicyHandlers<State> {
  onRequest?(request: PolicyRequest, exchange: PolicyExchange<State>): Handled | Promise<Handled>;
  onRequestBody?(chunk: BodyChunk, exchange: PolicyExchange<State>): Handled | Promise<Handled>;
  onResponse?(response: PolicyResponse, exchange: PolicyExchange<State>): Handled | Promise<Handled>;
  onResponseBody?(chunk: BodyChunk, exchange: PolicyExchange<State>): Handled | Promise<Handled>;
  /** a message of a WebSocket, put together and decompressed */
  onFrame?(frame: Frame, exchange: PolicyExchange<State>): Handled | Promise<Handled>;
  /** texts to and from a language model */
  onGuardrail?(event: GuardrailEvent, exchange: PolicyExchange<State>): Handled | Promise<Handled>;
  /** it is over; nothing can be changed any more */
  onComplete?(summary: RequestCompleteEvent, exchange: PolicyExchange<State>): void | Promise<void>;
  /** It was cut off. `proxyShutdown` also when the connection to the gateway is lost. */
  onCancel?(reason: CancelReason, exchange: PolicyExchange<State>): void;
  /**
   * The gateway gives a configuration: at each start, and whenever it is pushed. Requests wait for the first one.
   * What it throws is told to the gateway, and the configuration counts as refused.
   */
  onConfigure?(config: unknown, about: ConfigureAbout): void | Promise<void>;
}

export interface ConfigureAbout {
  readonly version: string | undefined;
  readonly isInitial: boolean;
}

export interface PolicyTls {
  /** PEM */
  readonly cert?: string;
  /** PEM */
  readonly key?: string;
  /** PEM; for `listen`: proxies must show a certificate of it. For `connect`: the gateway's must be of it */
  readonly ca?: string;
}

export interface PolicyAgentOptions<State = Record<string, unknown>> extends PolicyHandlers<State> {
  /** for people, such as `paths`; at most 128 characters */
  readonly name: string;
  /** names the agent at the gateway, and in a registration; default: the name */
  readonly id?: string;
  readonly version?: string;
  /** where gateways dial: `unix:/run/x.sock`, `127.0.0.1:50051` (gRPC); several in a list */
  readonly listen?: string | readonly string[];
  /** gateways to dial: `unix:/run/berth-policy.sock`, `tcp://gateway:9191`, `tls://gateway:9191`; several in a list */
  readonly connect?: string | readonly string[];
  /** connections to each of `connect`, 1 … 16; default 1 */
  readonly connections?: number;
  /** for `connect` */
  readonly token?: string;
  readonly tls?: PolicyTls;
  /** makes what {@link PolicyExchange.state} begins with; default: an empty object */
  readonly state?: () => State;
  /** what becomes of an exchange when a handler fails or takes too long; default `block` (503) */
  readonly onError?: 'block' | 'allow';
  /** handlers at work at once, 1 … 10,000; default 100. Further questions wait, and the gateways are asked to pause. */
  readonly concurrency?: number;
  /** questions that wait for it; further ones end as `onError` says. Default 1000 */
  readonly maxWaiting?: number;
  /** of one handler, ms, up to 10 minutes; default 5000 */
  readonly handlerTimeoutMs?: number;
  /** exchanges that something is remembered of, default 10,000; the head of a further one ends as `onError` says */
  readonly maxExchanges?: number;
  /** silence after which an exchange is forgotten, ms; default 1 hour */
  readonly exchangeIdleMs?: number;
  /** of a body that it wants to see, bytes; default 10 MiB */
  readonly maxBodyBytes?: number;
  /** bytes; default 64 KiB */
  readonly preferredChunkBytes?: number;
  /** between reports of health, load and figures, ms; 0: none; default 10,000 */
  readonly reportIntervalMs?: number;
  /** figures of your own, asked for at each report */
  readonly metrics?: () => MetricsInput;
  /** takes the agent's log; default: stderr */
  readonly log?: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/** Figures by name; `help` and `labels` may be left out. */
export interface MetricsInput {
  readonly counters?: readonly MetricInput[];
  readonly gauges?: readonly MetricInput[];
}

export interface MetricInput {
  readonly name: string;
  readonly value: number;
  readonly help?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Which handler sees which event. */
export const HANDLERS = {
  requestHeaders: 'onRequest',
  requestBody: 'onRequestBody',
  responseHeaders: 'onResponse',
  responseBody: 'onResponseBody',
  webSocketFrame: 'onFrame',
  guardrail: 'onGuardrail',
  requestComplete: 'onComplete',
  configure: 'onConfigure',
} as const satisfies Record<EventKind, keyof PolicyHandlers<unknown>>;
