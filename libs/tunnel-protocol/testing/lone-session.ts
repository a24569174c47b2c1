import type { BerthError } from '@berth/errors';
import { encodeControl } from '../src/control-messages.js';
import type {
  BodySink,
  ExchangeFailure,
  ExchangeKind,
  FlatHeaders,
  InterimHead,
  OpenHead,
  ResponseHead,
  ResponseSink,
} from '@berth/exchange';
import type { IncomingTunnelExchange, OpenedTunnelExchange, TunnelExchange } from '../src/exchange.js';
import type { SessionEvents, SessionOptions } from '../src/session-types.js';
import { TunnelSession } from '../src/tunnel-session.js';
import { WindowBudget } from '../src/window-budget.js';
import { batchOf, decodeModel, type ModelFrame } from './frame-model.js';
import { Wire } from './wire.js';

/** Writes down what it is told. */
export class RecordingSink implements ResponseSink {
  /** at an agent: the exchange that it was made for */
  incoming: IncomingTunnelExchange | undefined;
  exchange: TunnelExchange | undefined;
  readonly calls: string[] = [];
  readonly failures: ExchangeFailure[] = [];
  readonly chunks: Buffer[] = [];
  onWritable: (() => void) | undefined;

  head(head: ResponseHead): void {
    this.calls.push(`head ${head.status}`);
  }

  informational(head: InterimHead): void {
    this.calls.push(`informational ${head.status}`);
  }

  data(bytes: Buffer): void {
    this.calls.push(`data ${bytes.length}`);
    this.chunks.push(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    this.calls.push(trailers === undefined ? 'end' : `end ${trailers.join(' ')}`);
  }

  failed(failure: ExchangeFailure): void {
    this.calls.push(`failed ${failure.code}`);
    this.failures.push(failure);
  }

  writable(): void {
    this.calls.push('writable');
    this.onWritable?.();
  }
}

export const WINDOW_BYTES = 65_536;

/** One session whose peer is the test, frame by frame. */
export class LoneSession {
  readonly wire = new Wire();
  /** one entry per `closed()`; null: in order */
  readonly closed: (BerthError | null)[] = [];
  readonly sinks: RecordingSink[] = [];
  readonly session: TunnelSession;
  readonly budget = new WindowBudget(1_000_000);
  clock = 0;

  /** @param options `greeted: false` leaves the handshake to the test */
  constructor(
    role: 'gateway' | 'agent',
    events: Partial<SessionEvents> = {},
    options: Partial<SessionOptions & { greeted: boolean; features: readonly string[] }> = {},
  ) {
    const opened = (exchange: IncomingTunnelExchange): BodySink => {
      const sink = new RecordingSink();
      sink.exchange = sink.incoming = exchange;
      this.sinks.push(sink);
      return sink;
    };
    this.session = new TunnelSession(
      this.wire,
      { closed: (error) => void this.closed.push(error ?? null), ...(role === 'agent' ? { opened } : {}), ...events },
      {
        role,
        window: { startBytes: WINDOW_BYTES, maxBytes: 1_000_000, budget: this.budget },
        maxExchanges: role === 'agent' ? 3 : 0,
        sendAheadBytes: 262_144,
        maxControlBytes: 100_000,
        now: () => this.clock,
        ...options,
      },
    );
    if (options.greeted === false) return;
    const { features = [] } = options;
    this.session.establish({ maxExchanges: 3, initialWindowBytes: WINDOW_BYTES }, { features });
    if (role === 'gateway') this.session.receive(hello());
  }

  /** Gateway: begins an exchange. */
  open(head: Partial<OpenHead> = {}): OpenedTunnelExchange {
    const sink = new RecordingSink();
    this.sinks.push(sink);
    const exchange = this.session.open(openHead(head), sink);
    sink.exchange = exchange;
    return exchange;
  }

  /** The peer sends a batch of these frames. */
  receive(...frames: ModelFrame[]): void {
    this.session.receive(batchOf(...frames));
  }

  /** Everything that was sent so far, as frames. */
  get sent(): ModelFrame[] {
    return this.wire.log.flatMap(decodeModel);
  }

  /** Kinds of the frames sent so far, one word each. */
  get sentKinds(): string[] {
    return this.sent.map(({ kind, exchange }) => `${kind} ${exchange}`);
  }
}

export function openHead(head: Partial<OpenHead> = {}): OpenHead {
  return { kind: 0, method: 'GET', target: '/', headers: [], body: false, ...head };
}

export const open = (exchange: number, body = false, kind: ExchangeKind = 0): ModelFrame => ({
  exchange,
  kind: 'open',
  head: openHead({ body, kind }),
});

export const head = (exchange: number, status = 200, headers: FlatHeaders = []): ModelFrame => ({
  exchange,
  kind: 'head',
  head: { status, reason: '', headers },
});

export const informational = (exchange: number, status = 103, headers: FlatHeaders = []): ModelFrame => ({
  exchange,
  kind: 'informational',
  head: { status, headers },
});

export const data = (exchange: number, length: number): ModelFrame => ({
  exchange,
  kind: 'data',
  bytes: 'd'.repeat(length),
});

export const end = (exchange: number, trailers?: FlatHeaders): ModelFrame => ({ exchange, kind: 'end', trailers });

export const credit = (exchange: number, bytes: number): ModelFrame => ({ exchange, kind: 'credit', bytes });

export const creditReturn = (exchange: number, bytes: number): ModelFrame => ({
  exchange,
  kind: 'creditReturn',
  bytes,
});

export const connection = (field: number, body = ''): ModelFrame => ({ exchange: 0, kind: 'connection', field, body });

export function hello(): Buffer {
  const frame = encodeControl('hello', {
    versions: [1],
    agentId: 'a',
    token: '',
    features: [],
    limits: { maxExchanges: 3, initialWindowBytes: WINDOW_BYTES },
    connections: 1,
    metadata: {},
    instanceId: '',
    softwareVersion: '',
    portKind: '',
    services: [],
  });
  return Buffer.from(frame, 'latin1');
}
