import { ResetCode } from '@berth/exchange';
import { BerthError } from '@berth/errors';
import { credit, data, end, head, LoneSession, open, openHead, RecordingSink } from '../testing/lone-session.js';
import { turn } from '../testing/wire.js';
import { type OpenedTunnelExchange, SEND_HIGH_WATER_BYTES } from './exchange.js';

const codes = (lone: LoneSession): (string | null)[] => lone.closed.map((error) => error?.code ?? null);

/** A gateway with a producer that waits for credit in exchange 1, and what it has produced. */
function paused(): { lone: LoneSession; sink: RecordingSink; produced: () => string; produce: () => boolean } {
  const lone = new LoneSession('gateway');
  const exchange = lone.open({ body: true });
  let produced = '';
  const produce = (): boolean => {
    const piece = `${produced.length} `.padEnd(1000, '.');
    produced += piece;
    return exchange.sendData(Buffer.from(piece));
  };
  while (produce());
  return { lone, sink: lone.sinks[0] as RecordingSink, produced: () => produced, produce };
}

const bodySent = (lone: LoneSession): string =>
  lone.sent.map((frame) => (frame.kind === 'data' ? frame.bytes : '')).join('');

describe('a session that is called back from inside', () => {
  it('sends what writable() produces behind what made room for it', async () => {
    const { lone, sink, produced, produce } = paused();
    sink.onWritable = () => void produce();
    await turn();
    lone.receive({ exchange: 1, kind: 'credit', bytes: 1_000_000 });
    await turn();
    expect(sink.calls).toContain('writable');
    expect(bodySent(lone)).toBe(produced());
  });

  it('may be closed by writable(): what was sent before stays before', async () => {
    const { lone, sink, produced } = paused();
    sink.onWritable = () => {
      lone.session.sendGoaway({ reason: 1, deadlineMs: 0, reconnect: false });
      lone.session.close();
    };
    await turn();
    lone.receive({ exchange: 1, kind: 'credit', bytes: 1_000_000 });
    await turn();
    expect(codes(lone)).toEqual([null]);
    expect(lone.wire.closedWith).toEqual([null]);
    expect(lone.sentKinds).toContain('connection 0');
    expect(produced().startsWith(bodySent(lone))).toBe(true);
    expect(sink.calls).toEqual(['writable', 'failed connection-lost']);
  });

  it('may open the next exchange in the moment the last one ends', async () => {
    const opened: OpenedTunnelExchange[] = [];
    const lone: LoneSession = new LoneSession(
      'gateway',
      {
        exchangeEnded: () => {
          if (opened.length > 0 || lone.session.closed) return;
          const next = lone.session.open(openHead({ body: true }), new RecordingSink());
          opened.push(next);
          next.sendData(Buffer.alloc(5000));
        },
      },
      {},
    );
    const first = lone.open({ kind: 1, body: true });
    lone.receive(head(1, 101), end(1));
    first.sendData(Buffer.alloc(5000));
    first.sendEnd();
    await turn();
    await turn();
    expect(lone.sentKinds).toEqual(['open 1', 'data 1', 'end 1', 'open 2', 'data 2']);
  });

  it('tells a sink whose exchange was being opened when the session closed', () => {
    const sink = new RecordingSink();
    const lone: LoneSession = new LoneSession('agent', {
      opened: () => {
        lone.session.close();
        return sink;
      },
    });
    lone.receive(open(1), open(2));
    expect(sink.calls).toEqual(['failed connection-lost']);
    expect(lone.session.inFlight).toBe(0);
  });

  it('closes once, though its last batch brings the transport to close it too', () => {
    const lone = new LoneSession('gateway');
    lone.open();
    lone.wire.onSend = () => lone.session.close();
    lone.session.close();
    expect(lone.closed).toEqual([null]);
    expect(lone.wire.closedWith).toEqual([null]);
    expect(lone.sinks[0]?.calls).toEqual(['failed connection-lost']);
  });

  it('begins nothing once it is closed', () => {
    const lone = new LoneSession('gateway');
    lone.session.close();
    expect(() => lone.open()).toThrow(BerthError);
    lone.session.close();
    expect(lone.closed).toEqual([null]);
  });
});

describe('a sink that throws', () => {
  class Faulty extends RecordingSink {
    constructor(private readonly at: keyof RecordingSink) {
      super();
    }

    override data(bytes: Buffer): void {
      super.data(bytes);
      if (this.at === 'data') throw new Error('fault in data');
    }

    override failed(failure: Parameters<RecordingSink['failed']>[0]): void {
      super.failed(failure);
      if (this.at === 'failed') throw new Error('fault in failed');
    }

    override writable(): void {
      super.writable();
      if (this.at === 'writable') throw new Error('fault in writable');
    }
  }

  it('A9: from data(): its exchange ends, and the others go on', () => {
    const lone = new LoneSession('gateway');
    const faulty = new Faulty('data');
    lone.session.open(openHead(), faulty);
    lone.open();
    lone.receive(head(1), data(1, 1), head(2), data(2, 1));
    expect(codes(lone)).toEqual([]);
    expect(faulty.calls.at(-1)).toBe(`failed ${ResetCode.internal}`);
    expect(lone.sinks[0]?.calls.at(-1)).toMatch(/^data/);
    expect(lone.session.inFlight).toBe(1);
  });

  it('from failed(): the others learn all the same', () => {
    const lone = new LoneSession('gateway');
    lone.session.open(openHead(), new Faulty('failed'));
    lone.open();
    lone.session.receive(Buffer.from([0]));
    expect(lone.sinks[0]?.calls).toEqual(['failed connection-lost']);
    expect(lone.wire.closedWith.length).toBe(1);
    expect(codes(lone)).toEqual(['BERTH_PROTOCOL_ERROR']);
  });

  it('from writable(): no exception reaches the event loop', async () => {
    const lone = new LoneSession('gateway');
    const exchange = lone.session.open(openHead({ body: true }), new Faulty('writable'));
    exchange.sendData(Buffer.alloc(SEND_HIGH_WATER_BYTES));
    lone.receive(credit(1, SEND_HIGH_WATER_BYTES));
    await turn();
    expect(codes(lone)).toEqual([]);
    expect(exchange.closed).toBe(true);
  });

  it('from opened(): nothing of the exchange stays', () => {
    const lone = new LoneSession('agent', {
      opened: () => {
        throw new Error('fault in opened');
      },
    });
    lone.receive(open(1));
    expect(codes(lone)).toEqual(['BERTH_INTERNAL']);
    expect(lone.session.inFlight).toBe(0);
  });
});
