import { messageOf } from '@berth/errors';
import { type BodySink, DEFAULT_SERVICE, IncomingDecorator, type IncomingExchange } from '@berth/exchange';
import type { Log } from '@berth/observability';
import { loadTracer, type TracedSpan, type Tracer, type TracerFacts } from '@berth/tracing';
import type { AgentSettings } from '../agent-settings.js';
import { type AgentRequest, watched } from '../session/watched-exchange.js';

type Forward = (exchange: IncomingExchange) => BodySink;

/**
 * Makes the agent's spans: of requests that the gateway has a span of. What else
 * stands as `traceparent` is the client's, and passes as it came. The local
 * service gets one that leads to the span made here.
 */
export class AgentTracing {
  /** undefined until it is loaded */
  private tracer: Tracer | undefined;
  private readonly loading: Promise<void>;

  constructor(settings: AgentSettings['tracing'], facts: TracerFacts, log: Log) {
    this.loading = loadTracer(settings, facts, log).then(
      (tracer) => {
        this.tracer = tracer;
      },
      (thrown: unknown) => {
        log.error({ reason: messageOf(thrown) }, 'there are no traces: what makes them could not be loaded');
      },
    );
  }

  /** Forwards an exchange, with a span around it where it has a trace. */
  forward(exchange: IncomingExchange, connectionId: string, forward: Forward): BodySink {
    const { openHead } = exchange;
    const span = this.begin(exchange);
    if (span === undefined) return forward(exchange);
    const passed = new IncomingDecorator(exchange, { ...openHead, headers: span.passOn(openHead.headers) });
    return watched(passed, connectionId, forward, (request) => {
      end(span, request);
    });
  }

  /** Sends what waits. */
  async stop(): Promise<void> {
    await this.loading;
    await this.tracer?.shutdown();
  }

  private begin({ openHead }: IncomingExchange): TracedSpan | undefined {
    const { tracer } = this;
    if (tracer === undefined || openHead.traced !== true) return undefined;
    const parent = tracer.contextOf(openHead.headers);
    if (parent === undefined) return undefined;
    return tracer.begin('forward', 'client', () => ({ 'berth.service': openHead.service || DEFAULT_SERVICE }), parent);
  }
}

function end(span: TracedSpan, { bytesIn, bytesOut, error, id, method, status }: AgentRequest): void {
  span.set({
    'http.request.method': method,
    'http.request.body.size': bytesIn,
    'http.response.body.size': bytesOut,
    'berth.request_id': id,
    ...(status !== undefined && { 'http.response.status_code': status }),
  });
  if (error !== undefined) span.event('cut_off', { 'berth.reason': error });
  // Of a span for what is asked, 4xx is an error as well (semantic conventions); that the client left is none.
  if (error === 'cancelled') span.end();
  else span.end(error ?? (status !== undefined && status >= 400 ? String(status) : undefined));
}
