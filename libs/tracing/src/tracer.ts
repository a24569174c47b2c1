import {
  type Attributes,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer as OtelTracer,
} from '@opentelemetry/api';
import { parseTraceParent, TraceState } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import type { FlatHeaders } from '@berth/exchange';
import { headerValues, withoutHeaders } from '@berth/http-rules';
import { LimitedLog, type Log } from '@berth/observability';
import type { TracerFacts } from './load-tracer.js';
import { SpanQueue, type TracerFigures } from './span-queue.js';
import { SpanSender } from './span-sender.js';
import type { TracingSettings } from './tracing.settings.js';

export type { TracerFigures } from './span-queue.js';

/** Of a span somewhere else, as `traceparent` and `tracestate` have it. */
export type TraceContext = SpanContext;

/** tracestate is bounded to that by the W3C: longer ones may be dropped. */
const MAX_STATE_CHARS = 512;

/** A span under way. */
export interface TracedSpan {
  readonly traceId: string;
  set(attributes: Attributes): void;
  event(name: string, attributes?: Attributes): void;
  /** A flat list of headers that leads to this span, in place of what the list led to. */
  passOn(headers: FlatHeaders): FlatHeaders;
  /** @param error what went wrong; undefined: nothing that is the fault of who makes the span */
  end(error?: string): void;
}

/** Makes spans that are all recorded: who asks has decided that. Never throws, never waits. */
export class Tracer {
  private readonly provider: TracerProvider;
  private readonly tracer: OtelTracer;
  private readonly queue: SpanQueue;
  private readonly sender: SpanSender;
  private second = 0;
  private begun = 0;

  /** @param settings with an endpoint */
  constructor(
    private readonly settings: Readonly<TracingSettings>,
    { instance, name, version }: TracerFacts,
    log: Log,
  ) {
    const { endpoint, headers } = settings;
    const limited = new LimitedLog(log, { lines: 1, windowMs: 60_000 });
    const url = `${endpoint.replace(/\/$/, '')}/v1/traces`;
    this.sender = new SpanSender(url, headers);
    this.queue = new SpanQueue(this.sender, (error) => {
      limited.warn({ url, reason: error?.message }, 'traces could not be sent (tracing.endpoint)');
    });
    this.provider = new TracerProvider({
      resource: resourceFromAttributes({
        'service.name': name,
        'service.version': version,
        'service.instance.id': instance,
      }),
      sampler: new AlwaysOnSampler(),
      spanProcessors: [this.queue],
    });
    this.tracer = this.provider.getTracer('berth', version);
  }

  get figures(): Readonly<TracerFigures> {
    return this.queue.figures;
  }

  /** What the headers of a request lead to; undefined: nothing, or nothing that the W3C's rules allow. */
  contextOf(headers: readonly string[]): TraceContext | undefined {
    const [parent, ...more] = headerValues(headers, 'traceparent');
    if (parent === undefined || more.length > 0) return undefined;
    const context = parseTraceParent(parent.trim());
    if (context === null || !isSpanContextValid(context)) return undefined;
    const state = headerValues(headers, 'tracestate').join(',');
    return {
      ...context,
      isRemote: true,
      ...(state !== '' && state.length <= MAX_STATE_CHARS && { traceState: new TraceState(state) }),
    };
  }

  /** Whether a context asks for being recorded. */
  isSampled({ traceFlags }: TraceContext): boolean {
    return (traceFlags & TraceFlags.SAMPLED) !== 0;
  }

  /**
   * @param attributes made when they are needed
   * @param kind `server`: for who asked; `client`: of what is asked
   * @param parent that it belongs to; undefined: a trace of its own
   * @returns undefined when as many have begun in this second as may
   */
  begin(
    name: string,
    kind: 'server' | 'client',
    attributes: () => Attributes,
    parent: TraceContext | undefined,
  ): TracedSpan | undefined {
    if (!this.isAffordable()) return undefined;
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const spanKind = kind === 'server' ? SpanKind.SERVER : SpanKind.CLIENT;
    return new OpenSpan(this.tracer.startSpan(name, { kind: spanKind, attributes: attributes() }, context));
  }

  /** Sends what waits, within `tracing.shutdownTimeoutMs`: nothing of it keeps the process longer. */
  async shutdown(): Promise<void> {
    const limit = setTimeout(() => {
      this.sender.abort();
    }, this.settings.shutdownTimeoutMs);
    await this.provider.shutdown().catch(() => undefined);
    clearTimeout(limit);
  }

  private isAffordable(): boolean {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.second) {
      this.second = second;
      this.begun = 0;
    }
    this.begun += 1;
    return this.begun <= this.settings.maxPerSecond;
  }
}

class OpenSpan implements TracedSpan {
  readonly traceId: string;

  constructor(private readonly span: Span) {
    this.traceId = span.spanContext().traceId;
  }

  set(attributes: Attributes): void {
    this.span.setAttributes(attributes);
  }

  event(name: string, attributes?: Attributes): void {
    this.span.addEvent(name, attributes);
  }

  passOn(headers: FlatHeaders): FlatHeaders {
    const { spanId, traceFlags, traceId, traceState } = this.span.spanContext();
    const flags = traceFlags.toString(16).padStart(2, '0');
    const passed = withoutHeaders(headers, (name) => /^trace(parent|state)$/i.test(name));
    passed.push('traceparent', `00-${traceId}-${spanId}-${flags}`);
    const state = traceState?.serialize() ?? '';
    if (state !== '') passed.push('tracestate', state);
    return passed;
  }

  end(error?: string): void {
    if (error !== undefined) {
      this.span.setAttribute('error.type', error);
      this.span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    }
    this.span.end();
  }
}
