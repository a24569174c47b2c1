import { jest } from '@jest/globals';
import { BerthError } from '@berth/errors';
import { type OpenHead } from '@berth/exchange';
import { decodeProxyMessage, type ProxyMessage, ProxyType } from '@berth/tunnel-protocol';
import { RecordingSink } from '../../../../../libs/agent-pool/testing/recording-sink.js';
import { SiloConnection, type SiloStream } from './silo-connection.js';

const LIMITS = { maxExchanges: 100, maxBufferedBytes: 10_000, pingIntervalMs: 1000, pingTimeoutMs: 500 };

/** A stream whose network takes messages when it is told to. */
class FakeStream implements SiloStream {
  readonly sent: ProxyMessage[] = [];
  readonly waiting: (() => void)[] = [];
  paused = false;
  closedWith: BerthError | undefined | 'open' = 'open';
  roundTripMs: number | undefined = 7;

  send(message: Buffer, sent: () => void): void {
    this.sent.push(decodeProxyMessage(message));
    this.waiting.push(sent);
  }

  take(count = this.waiting.length): void {
    for (const sent of this.waiting.splice(0, count)) sent();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  roundTrip(): Promise<number | undefined> {
    return Promise.resolve(this.roundTripMs);
  }

  close(error?: BerthError): void {
    this.closedWith = error;
  }
}

const head = (over: Partial<OpenHead> = {}): OpenHead => ({
  kind: 0,
  method: 'GET',
  target: '/',
  headers: [],
  body: false,
  ...over,
});

describe('SiloConnection', () => {
  let stream: FakeStream;
  let connection: SiloConnection;
  const ended: (BerthError | undefined)[] = [];

  beforeEach(() => {
    jest.useFakeTimers();
    stream = new FakeStream();
    ended.length = 0;
    connection = new SiloConnection(
      'c',
      'agent-1',
      { remoteAddress: '', softwareVersion: '', instanceId: '' },
      stream,
      LIMITS,
      { cookie: () => undefined, stray: () => undefined, closed: (error) => ended.push(error) },
    );
  });
  afterEach(() => {
    connection.close();
    jest.useRealTimers();
  });

  const ping = (): void => {
    connection.receive({ id: '', type: ProxyType.ping, payload: Buffer.alloc(0), metadata: [], metadataCut: false });
  };
  const answer = (id: string, bytes: number): void => {
    const metadata = ['status_code', '200'];
    connection.receive({ id, type: ProxyType.response, payload: Buffer.alloc(bytes), metadata, metadataCut: false });
  };
  const code = (run: () => unknown): string => {
    try {
      run();
    } catch (thrown) {
      return BerthError.from(thrown).code;
    }
    return '';
  };

  it('answers no PING before it is registered, and owes PONGs as a number to who does not read them', () => {
    for (let i = 0; i < 10_000; i += 1) ping();
    expect(stream.sent).toEqual([]);
    connection.welcome();
    expect(stream.sent).toHaveLength(16);
    for (let taken = 0; taken < 9984; taken += 16) stream.take(16);
    stream.take();
    expect(stream.sent).toHaveLength(10_000);
    expect(new Set(stream.sent.map(({ type }) => type))).toEqual(new Set([ProxyType.pong]));
  });

  it('counts requests from their first byte until the network has them', () => {
    const upload = connection.open(head({ body: true, headers: ['Content-Length', '9000'] }), new RecordingSink());
    expect(connection.requests.used).toBeGreaterThan(9000);
    expect(
      code(() => connection.open(head({ body: true, headers: ['Content-Length', '2000'] }), new RecordingSink())),
    ).toBe('BERTH_AGENT_BUSY');
    upload.sendData(Buffer.alloc(9000));
    upload.sendEnd();
    expect(connection.requests.used).toBeGreaterThan(9000);
    expect(connection.congested).toBe(false);
    stream.take();
    expect(connection.requests.used).toBe(0);
    expect(stream.sent.map(({ payload }) => payload.length)).toEqual([9000]);
  });

  it('a body that grows beyond what is left fails alone, and gives back what it had', () => {
    const sink = new RecordingSink();
    const upload = connection.open(head({ body: true }), sink);
    for (let i = 0; i < 20; i += 1) upload.sendData(Buffer.alloc(1000));
    expect(sink.failures).toMatchObject([{ code: 3 }]);
    expect(connection).toMatchObject({ inFlight: 0, requests: { used: 0 } });
    expect(stream.sent).toEqual([]);
  });

  it('an upload that ends early, by its client or with the connection, leaves nothing', () => {
    const first = connection.open(head({ body: true, headers: ['Content-Length', '4000'] }), new RecordingSink());
    const second = connection.open(head({ body: true, headers: ['Content-Length', '4000'] }), new RecordingSink());
    first.sendData(Buffer.alloc(100));
    first.reset(1);
    second.sendData(Buffer.alloc(100));
    connection.close();
    expect(connection.requests.used).toBe(0);
    expect(stream.sent).toEqual([]);
  });

  it('stops reading while clients hold as much as maxBufferedBytes of answers, and is not silent meanwhile', () => {
    const sinks = [0, 1, 2].map(() => new RecordingSink().hold());
    const exchanges = sinks.map((sink) => connection.open(head(), sink));
    const ids = stream.sent.map(({ id }) => id);
    answer(ids[0] as string, 9000);
    expect(stream.paused).toBe(false);
    answer(ids[1] as string, 1000);
    expect(stream.paused).toBe(true);
    jest.advanceTimersByTime(600_000);
    expect(performance.now() - connection.lastSeenAt).toBeLessThan(1000);
    // Of an answer that is one piece of memory, the last byte counts.
    exchanges[1]?.consumed(999);
    expect(stream.paused).toBe(true);
    exchanges[1]?.consumed(1);
    expect(stream.paused).toBe(false);
    jest.advanceTimersByTime(600_000);
    expect(performance.now() - connection.lastSeenAt).toBeGreaterThan(600_000);
    // Whoever is gone holds nothing, and nobody gives back twice.
    exchanges[0]?.discard();
    exchanges[0]?.discard();
    exchanges[0]?.consumed(9000);
    answer(ids[2] as string, 9000);
    expect(stream.paused).toBe(false);
    exchanges[1]?.discard();
    exchanges[2]?.reset(1);
    expect(sinks.map((sink) => sink.calls)).toEqual([0, 1, 2].map(() => ['head', 'data', 'end']));
  });

  it('hands an answer on piece by piece, so that a sink can hold its client to each', () => {
    const sizes: number[] = [];
    const sink = new RecordingSink();
    sink.data = ({ length }) => sizes.push(length);
    connection.open(head(), sink);
    answer(stream.sent[0]?.id ?? '', 150_000);
    expect(sizes).toEqual([65_536, 65_536, 18_928]);
  });

  it.each(['head', 'data'] as const)('a sink that ends its exchange at the %s of an answer hears no more', (at) => {
    const sink = new RecordingSink();
    const exchange = connection.open(head(), sink);
    const heard: string[] = [];
    for (const what of ['head', 'data', 'end', 'failed'] as const) {
      sink[what] = () => {
        heard.push(what);
        if (what === at) exchange.reset(9);
      };
    }
    answer(stream.sent[0]?.id ?? '', 150_000);
    expect(heard).toEqual(at === 'head' ? ['head'] : ['head', 'data']);
    expect(connection.inFlight).toBe(0);
    expect(stream.paused).toBe(false);
  });

  it('A12: asks by HTTP/2 PING, and ends when no answer comes', async () => {
    connection.welcome();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(connection.roundTripMs).toBe(7);
    expect(connection.closed).toBe(false);
    expect(await connection.answers(100)).toBe(true);
    stream.roundTripMs = undefined;
    expect(await connection.answers(100)).toBe(false);
    await jest.advanceTimersByTimeAsync(1000);
    expect(ended).toMatchObject([{ code: 'BERTH_CONNECTION_SILENT' }]);
    expect(stream.closedWith).toBe(ended[0]);
  });

  it('drained without an exchange under way, it ends in order', () => {
    connection.drain('shutdown', 60_000);
    expect(connection).toMatchObject({ accepting: false, draining: true, leaving: true });
    jest.advanceTimersByTime(1);
    expect(connection.closed).toBe(true);
    expect(ended).toEqual([undefined]);
  });

  it('throws what a client is answered before anything is sent', () => {
    expect(code(() => connection.open(head({ kind: 1 }), new RecordingSink()))).toBe('BERTH_UNSUPPORTED_EXCHANGE');
    expect(code(() => connection.open(head({ target: '*' }), new RecordingSink()))).toBe('BERTH_UNSUPPORTED_EXCHANGE');
    const long = head({ body: true, headers: ['Content-Length', '4194304'] });
    expect(code(() => connection.open(long, new RecordingSink()))).toBe('BERTH_BODY_TOO_LARGE');
    connection.close();
    expect(code(() => connection.open(head(), new RecordingSink()))).toBe('BERTH_CONNECTION_CLOSED');
    expect(connection).toMatchObject({ inFlight: 0, requests: { used: 0 } });
    expect(stream.sent).toEqual([]);
  });
});
