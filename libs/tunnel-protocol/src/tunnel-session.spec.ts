import { decodeModel, type ModelFrame } from '../testing/frame-model.js';
import { credit, data, end, head, LoneSession, open, WINDOW_BYTES } from '../testing/lone-session.js';
import { turn } from '../testing/wire.js';
import { SEND_HIGH_WATER_BYTES } from './exchange.js';
import { ResetCode } from '@berth/exchange';
import { MAX_BATCH_BYTES, MAX_DATA_BYTES } from './frames.js';
import { TunnelSession } from './tunnel-session.js';
import { WindowBudget } from './window-budget.js';

const batchKinds = (batch: Buffer | undefined): string[] =>
  batch === undefined ? [] : decodeModel(batch).map(({ kind, exchange }) => `${kind} ${exchange}`);

describe('batching', () => {
  it('sends head, small body and end of one turn as one batch', async () => {
    const lone = new LoneSession('agent');
    lone.receive(open(1));
    const { incoming: exchange } = lone.sinks[0] ?? {};
    exchange?.sendHead({ status: 200, reason: 'OK', headers: [] });
    exchange?.sendData(Buffer.from('hello'));
    exchange?.sendEnd();
    await turn();
    expect(lone.wire.log.map(batchKinds)).toEqual([['head 1', 'data 1', 'end 1']]);
    expect(lone.session.inFlight).toBe(0);
  });

  it('lets a small exchange in beside a bulk one with the very next batch', async () => {
    const lone = new LoneSession('gateway', {}, { sendAheadBytes: 1 });
    const bulk = lone.open({ body: true });
    const small = lone.open({ body: true });
    lone.receive(credit(1, 10_000_000), credit(2, 10_000));
    bulk.sendData(Buffer.alloc(5_000_000));
    await turn();
    lone.wire.take();
    const before = lone.wire.log.length;
    small.sendData(Buffer.alloc(5000));
    small.sendEnd();
    await turn();
    lone.wire.take();
    lone.wire.take();
    const next = lone.wire.log.slice(before).map(batchKinds);
    expect(next[0]).toContain('data 2');
    expect(next[0]).toContain('data 1');
  });

  it('divides the line evenly among bulk exchanges, and control frames go before them', async () => {
    const lone = new LoneSession('gateway', {}, { sendAheadBytes: 1 });
    const exchanges = [lone.open({ body: true }), lone.open({ body: true }), lone.open({ body: true })];
    lone.receive(...[1, 2, 3].map((exchange) => credit(exchange, 10_000_000)));
    for (const exchange of exchanges) exchange.sendData(Buffer.alloc(3_000_000));
    await turn();
    for (let batch = 0; batch < 30; batch += 1) lone.wire.take();
    lone.session.sendPing(1);
    await turn();
    lone.wire.take();
    expect(batchKinds(lone.wire.log.at(-1))[0]).toBe('connection 0');
    const bytes = new Map<number, number>();
    for (const frame of lone.sent) {
      if (frame.kind === 'data') bytes.set(frame.exchange, (bytes.get(frame.exchange) ?? 0) + frame.bytes.length);
    }
    const shares = [...bytes.values()];
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(2 * MAX_DATA_BYTES);
    expect(Math.max(...lone.wire.log.map((batch) => batch.length))).toBeLessThanOrEqual(MAX_BATCH_BYTES);
  });

  it('what one read of a socket brought leaves as one message', async () => {
    const lone = new LoneSession('gateway');
    const exchange = lone.open({ body: true });
    lone.receive(credit(1, 10_000_000));
    await turn();
    const before = lone.wire.log.length;
    exchange.sendData(Buffer.alloc(65_536));
    await turn();
    lone.wire.take();
    expect(lone.wire.log.length - before).toBe(1);
    expect(exchange.pendingBytes).toBe(0);
  });

  it('hands the network no more than sendAheadBytes and a batch', async () => {
    const lone = new LoneSession('gateway', {}, { sendAheadBytes: 100_000 });
    const exchange = lone.open({ body: true });
    lone.receive(credit(1, 10_000_000));
    exchange.sendData(Buffer.alloc(5_000_000));
    await turn();
    expect(lone.session.bytesSent).toBeGreaterThanOrEqual(100_000);
    expect(lone.session.bytesSent).toBeLessThanOrEqual(100_000 + MAX_BATCH_BYTES);
    // No timer is needed to go on: the network's word is enough.
    const before = lone.wire.log.length;
    lone.wire.take();
    expect(lone.wire.log.length).toBeGreaterThan(before);
  });

  it('keeps Data behind a Head that had to wait for the next batch', async () => {
    const lone = new LoneSession('agent', {}, { maxControlBytes: 1_000_000 });
    lone.receive(open(1), open(2));
    const [first, second] = lone.sinks.map(({ incoming }) => incoming);
    first?.sendHead({ status: 200, reason: '', headers: ['X', 'x'.repeat(60_000)] });
    second?.sendHead({ status: 200, reason: '', headers: ['X', 'x'.repeat(60_000)] });
    second?.sendData(Buffer.alloc(4000));
    await turn();
    expect(lone.wire.log.map(batchKinds)).toEqual([['head 1'], ['head 2', 'data 2']]);
  });

  it('carries trailers that do not fit beside the last Data', async () => {
    const lone = new LoneSession('agent');
    lone.receive(open(1));
    const { incoming: exchange } = lone.sinks[0] ?? {};
    exchange?.sendHead({ status: 200, reason: '', headers: [] });
    exchange?.sendData(Buffer.alloc(30_000));
    exchange?.sendEnd(['X', 'x'.repeat(60_000)]);
    await turn();
    expect(lone.wire.log.map(batchKinds)).toEqual([['head 1', 'data 1'], ['end 1']]);
  });

  it('works on a transport that is done in the moment it is asked', async () => {
    const sent: Buffer[] = [];
    let nested = 0;
    let deepest = 0;
    const transport = {
      send(batch: Buffer, done: () => void): void {
        sent.push(batch);
        nested += 1;
        deepest = Math.max(deepest, nested);
        done();
        nested -= 1;
      },
      close: (): void => undefined,
    };
    const lone = new LoneSession('gateway');
    const session = new TunnelSession(
      transport,
      { closed: (error) => void lone.closed.push(error ?? null) },
      {
        role: 'gateway',
        window: { startBytes: 1, maxBytes: 1, budget: lone.budget },
        maxExchanges: 0,
        sendAheadBytes: 1,
        maxControlBytes: 1e6,
        now: () => 0,
      },
    );
    session.establish({ maxExchanges: 1, initialWindowBytes: 0x7fffffff });
    const exchange = session.open(
      { kind: 0, method: '', target: '', headers: [], body: true },
      lone.sinks[0] ?? sink(),
    );
    exchange.sendData(Buffer.alloc(5_000_000));
    await turn();
    expect(sent.length).toBeGreaterThan(70);
    expect(deepest).toBe(1);
    expect(lone.closed).toEqual([]);
  });
});

describe('a producer that is faster than its credit', () => {
  it('is told to pause, and woken once half of what waits has gone', async () => {
    const lone = new LoneSession('gateway');
    const exchange = lone.open({ body: true });
    expect(exchange.sendData(Buffer.alloc(SEND_HIGH_WATER_BYTES - 1))).toBe(true);
    expect(exchange.sendData(Buffer.alloc(1))).toBe(false);
    await turn();
    expect(exchange.pendingBytes).toBe(SEND_HIGH_WATER_BYTES - WINDOW_BYTES);
    lone.receive(credit(1, SEND_HIGH_WATER_BYTES / 2 - WINDOW_BYTES - 1));
    await turn();
    expect(lone.sinks[0]?.calls).toEqual([]);
    lone.receive(credit(1, 1));
    await turn();
    expect(lone.sinks[0]?.calls).toEqual(['writable']);
    lone.receive(credit(1, WINDOW_BYTES));
    await turn();
    expect(lone.sinks[0]?.calls).toEqual(['writable']);
  });

  it('joins what it sends in small pieces', async () => {
    const lone = new LoneSession('gateway', {}, { sendAheadBytes: 1 });
    const exchange = lone.open({ body: true });
    await turn();
    for (let i = 0; i < 10_000; i += 1) exchange.sendData(Buffer.from([i & 0xff]));
    await turn();
    lone.wire.flush();
    const frames = lone.sent.filter(({ kind }) => kind === 'data');
    expect(frames.length).toBeLessThan(10);
    const text = frames.map((frame) => (frame.kind === 'data' ? frame.bytes : '')).join('');
    expect(Buffer.from(text, 'latin1')).toEqual(Buffer.from(Array.from({ length: 10_000 }, (_, i) => i & 0xff)));
  });
});

describe('the end of an exchange', () => {
  it('stops an upload that nobody reads any more once the response is complete', async () => {
    const lone = new LoneSession('gateway');
    const exchange = lone.open({ body: true });
    exchange.sendData(Buffer.alloc(SEND_HIGH_WATER_BYTES));
    lone.receive(head(1), data(1, 5), end(1));
    await turn();
    expect(lone.sinks[0]?.calls).toEqual(['head 200', 'data 5', 'end']);
    expect(lone.sent.at(-1)).toMatchObject({ kind: 'reset', code: ResetCode.done });
    expect(lone.session.inFlight).toBe(0);
  });

  it('is as clear for an upgrade that was answered with a plain response', () => {
    const lone = new LoneSession('gateway');
    lone.open({ kind: 1, body: true });
    lone.receive(head(1, 403), end(1));
    expect(lone.session.inFlight).toBe(0);
  });

  it('leaves the other half of a pipe open', async () => {
    const lone = new LoneSession('gateway');
    const exchange = lone.open({ kind: 1, body: true });
    lone.receive(head(1, 101), end(1));
    expect(lone.session.inFlight).toBe(1);
    exchange.sendData(Buffer.from('late'));
    exchange.sendEnd();
    await turn();
    expect(lone.sentKinds).toEqual(['open 1', 'data 1', 'end 1']);
    expect(lone.session.inFlight).toBe(0);
  });

  describe('memory that a chunk keeps', () => {
    /** What each chunk of exchange 1 keeps, and its length. */
    function kept(...batches: ModelFrame[][]): [number, number][] {
      const lone = new LoneSession(
        'agent',
        {},
        { window: { startBytes: 1e6, maxBytes: 1e6, budget: new WindowBudget(0) } },
      );
      lone.receive(open(1, true), open(2, true));
      for (const batch of batches) lone.receive(...batch);
      return (lone.sinks[0]?.chunks ?? []).map((chunk) => [chunk.length, chunk.buffer.byteLength]);
    }
    const mine = data(1, 20_000);
    const other = data(2, 32_000);

    it('is its own when its consumer lags and the batch is mostly for others', () => {
      const [first, second, third] = kept([mine, other], [other, mine], [mine, other]);
      expect(first?.[1]).toBeGreaterThan(52_000);
      expect([second, third]).toEqual([
        [20_000, 20_000],
        [20_000, 20_000],
      ]);
    });

    it('is the batch when that is for one exchange', () => {
      for (const [, bytes] of kept([mine, mine], [mine, data(1, 32_768), data(2, 10_000)])) {
        expect(bytes).toBeGreaterThan(40_000);
      }
    });

    it('is its own, lagging or not, in a batch that is larger than it should be', () => {
      expect(kept([data(1, 100), other, other, other])).toEqual([[100, 100]]);
    });
  });
});

function sink(): LoneSession['sinks'][number] {
  const lone = new LoneSession('gateway');
  lone.open();
  return lone.sinks[0] as LoneSession['sinks'][number];
}
