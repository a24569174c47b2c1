import { type Exchange, ExchangeKind, type IncomingExchange, type OpenHead, ResetCode } from '@berth/exchange';
import type { AgentConnection } from '../src/agent-connection.js';
import { RecordingSink } from './recording-sink.js';

/** A connection with its far end, as one kind of connection makes them. */
export interface Carried {
  connection: AgentConnection;
  /** the agent's process or network is gone from one moment to the next */
  breakOff(): void;
  /** frees all of it */
  close(): Promise<void>;
}

/**
 * Makes a connection in service that takes at least 8 exchanges at once.
 *
 * @param accept to be called by the far end with each exchange that comes in; the sink takes its bytes
 */
export type MakeCarried = (accept: (exchange: IncomingExchange) => RecordingSink) => Promise<Carried>;

/**
 * What some kind of connection cannot carry; its tests are skipped, with the reason in their title.
 *
 * - `heads`: the order, case and repeats of headers
 * - `interim`: interim responses, trailers and reasons
 * - `streams`: bytes of a body before all of it is there, and back pressure by its consumer
 * - `pipes`: upgrades
 * - `resets`: word to the far end of an exchange that is over, and its own codes back
 * - `successors`: the wish for a new connection before this one ends
 */
export type Ability = 'heads' | 'interim' | 'streams' | 'pipes' | 'resets' | 'successors';

const DEADLINE_MS = 10_000;
/** More than any kind may keep for a consumer that takes nothing. */
const MUCH_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 65_536;

/** Waits for what comes over a network. */
async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + DEADLINE_MS; !condition();) {
    if (performance.now() > end) throw new Error(`not within ${DEADLINE_MS} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Bytes whose order shows. */
function pattern(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff));
}

/**
 * What every kind of connection must hold, as tests of the running spec file.
 * An `AgentConnection` that passes can stand in the pool beside any other.
 *
 * @param lacks what it cannot carry, and why
 */
export function everyConnection(kind: string, make: MakeCarried, lacks: Partial<Record<Ability, string>> = {}): void {
  /** A test of what not every kind can. */
  const itCan = (ability: Ability, title: string, test: () => Promise<void>): void => {
    const why = lacks[ability];
    if (why === undefined) it(title, test);
    else it.skip(`${title} (${why})`, test);
  };

  describe(`${kind}, as every kind of connection`, () => {
    let carried: Carried;
    let connection: AgentConnection;
    let incoming: { exchange: IncomingExchange; sink: RecordingSink }[];
    /** how the far end begins with what comes in */
    let holds: boolean;

    beforeEach(async () => {
      incoming = [];
      holds = false;
      carried = await make((exchange) => {
        const sink = new RecordingSink();
        sink.exchange = exchange;
        if (holds) sink.hold();
        incoming.push({ exchange, sink });
        return sink;
      });
      ({ connection } = carried);
    });
    afterEach(() => carried.close());

    /** @param send what to send before the far end is looked for: a kind may hand on nothing but whole requests */
    async function open(
      over: Partial<OpenHead> = {},
      sink = new RecordingSink(),
      send: (near: Exchange) => void = () => undefined,
    ) {
      const count = incoming.length;
      const head: OpenHead = { kind: ExchangeKind.http, method: 'GET', target: '/', headers: [], body: false, ...over };
      const near = connection.open(head, sink);
      sink.exchange = near;
      send(near);
      await until(() => incoming.length > count);
      const { exchange: far, sink: farSink } = incoming[count] as (typeof incoming)[number];
      return { near, sink, far, farSink };
    }

    /** Leaves a request in the middle of its body, where the far end knows of it by then. */
    const uploading = (near: Exchange): void => {
      if (lacks.streams !== undefined) near.sendEnd();
    };

    const answer = (far: IncomingExchange): void => {
      far.sendHead({ status: 200, reason: 'OK', headers: [] });
      far.sendEnd();
    };

    /** Sends until the exchange says to wait; the bytes that it took. */
    function fill(exchange: Exchange): number {
      for (let sent = CHUNK_BYTES; sent < MUCH_BYTES; sent += CHUNK_BYTES) {
        if (!exchange.sendData(Buffer.alloc(CHUNK_BYTES))) return sent;
      }
      throw new Error('no back pressure');
    }

    itCan('heads', 'hands the head over as it is, and an exchange knows its connection', async () => {
      const head: OpenHead = {
        kind: ExchangeKind.http,
        method: 'PROPFIND',
        target: '/a%20b?c=d',
        headers: ['X-One', '1', 'x-one', '\xe9', 'Host', 'a'],
        body: true,
      };
      const { near, far } = await open(head);
      expect(far.open).toEqual(head);
      expect(near.connection).toBe(connection);
      expect(connection.inFlight).toBe(1);
    });

    it('carries method, target, headers and whole bodies, and an exchange knows its connection', async () => {
      const bytes = pattern(1_000_000);
      const headers = ['X-One', '1', 'X-Two', '2'];
      const { near, far, sink, farSink } = await open(
        { method: 'PUT', target: '/a%2Fb?c=d', headers, body: true },
        new RecordingSink(),
        (it) => {
          for (let at = 0; at < bytes.length; at += 100_000) it.sendData(bytes.subarray(at, at + 100_000));
          it.sendEnd();
        },
      );
      expect(near.connection).toBe(connection);
      expect(far.open).toMatchObject({
        method: 'PUT',
        target: '/a%2Fb?c=d',
        headers: expect.arrayContaining(headers) as [],
      });
      await until(() => farSink.calls.includes('end'));
      expect(farSink.bytes.equals(bytes)).toBe(true);
      far.sendHead({ status: 201, reason: '', headers: ['X-Three', '3'] });
      far.sendData(bytes.subarray(0, 500_000));
      far.sendData(bytes.subarray(500_000));
      far.sendEnd();
      await until(() => sink.calls.includes('end'));
      expect(sink.calls).toEqual(['head', 'data', 'end']);
      expect(sink.response).toMatchObject({ status: 201, headers: expect.arrayContaining(['X-Three', '3']) as [] });
      expect(sink.bytes.equals(bytes)).toBe(true);
      await until(() => connection.inFlight === 0);
    });

    itCan('interim', 'carries interim responses, head, body and trailers in order', async () => {
      const { far, sink } = await open();
      far.sendInformational({ status: 103, headers: ['Link', '</a>'] });
      far.sendHead({ status: 200, reason: 'Fine', headers: ['A', 'b', 'a', 'c'] });
      far.sendData(Buffer.from('body'));
      far.sendEnd(['X-Sum', '7']);
      await until(() => sink.calls.includes('end'));
      expect(sink.calls).toEqual(['informational 103', 'head', 'data', 'end']);
      expect(sink.response).toEqual({ status: 200, reason: 'Fine', headers: ['A', 'b', 'a', 'c'] });
      expect(sink.bytes.toString()).toBe('body');
      expect(sink.trailers).toEqual(['X-Sum', '7']);
      await until(() => connection.inFlight === 0);
    });

    itCan('streams', 'carries bodies of any size both ways, byte by byte in order', async () => {
      const bytes = pattern(3_000_000);
      const { near, far, sink, farSink } = await open({ method: 'POST', body: true });
      far.sendHead({ status: 200, reason: '', headers: [] });
      for (const exchange of [near, far]) {
        for (let at = 0; at < bytes.length; at += 100_000) exchange.sendData(bytes.subarray(at, at + 100_000));
      }
      near.sendEnd();
      await until(() => farSink.calls.includes('end') && sink.receivedBytes === bytes.length);
      far.sendEnd();
      await until(() => sink.calls.includes('end'));
      expect(farSink.bytes.equals(bytes)).toBe(true);
      expect(sink.bytes.equals(bytes)).toBe(true);
    });

    itCan('pipes', 'ends the two halves of a pipe independently, either of them first', async () => {
      for (const nearFirst of [true, false]) {
        const { near, far, sink, farSink } = await open({ kind: ExchangeKind.upgrade, body: true });
        far.sendHead({ status: 101, reason: '', headers: [] });
        await until(() => sink.calls.includes('head'));
        const [first, firstSink, second, secondSink] = nearFirst
          ? ([near, sink, far, farSink] as const)
          : ([far, farSink, near, sink] as const);
        first.sendEnd();
        await until(() => secondSink.calls.includes('end'));
        second.sendData(Buffer.from('still here'));
        await until(() => firstSink.bytes.toString() === 'still here');
        expect(connection.inFlight).toBe(1);
        second.sendEnd();
        await until(() => firstSink.calls.includes('end') && connection.inFlight === 0);
      }
    });

    itCan('streams', 'makes who sends to a consumer that takes nothing wait, and goes on when it takes', async () => {
      holds = true;
      const { near, far, sink, farSink } = await open({ method: 'POST', body: true }, new RecordingSink().hold());
      far.sendHead({ status: 200, reason: '', headers: [] });
      for (const [exchange, own, other] of [
        [near, sink, farSink],
        [far, farSink, sink],
      ] as const) {
        let woken = 0;
        own.onWritable = () => (woken += 1);
        const sent = fill(exchange);
        expect(other.receivedBytes).toBeLessThan(MUCH_BYTES);
        other.take();
        await until(() => woken > 0 && other.receivedBytes === sent);
        expect(woken).toBe(1);
      }
    });

    itCan('streams', 'lets no exchange that stands still delay another', async () => {
      const slow = await open({}, new RecordingSink().hold());
      slow.far.sendHead({ status: 200, reason: '', headers: [] });
      fill(slow.far);
      const quick = await open();
      answer(quick.far);
      await until(() => quick.sink.calls.includes('end'));
      expect(slow.sink.calls).not.toContain('end');
    });

    itCan('resets', 'a reset by who opened it ends it at both ends, and its own sink hears nothing', async () => {
      const { near, far, sink, farSink } = await open({ method: 'POST', body: true });
      near.reset(ResetCode.cancelled, 'the client left');
      expect(near.closed).toBe(true);
      expect(connection.inFlight).toBe(0);
      answer(far);
      await until(() => farSink.failures.length > 0);
      expect(farSink.failures.map(({ code }) => code)).toEqual([ResetCode.cancelled]);
      expect(sink.calls).toEqual([]);
    });

    itCan('resets', 'a reset by who answers reaches the sink with its code', async () => {
      const { near, far, sink } = await open();
      far.reset(ResetCode.localUnreachable, 'nothing listens');
      await until(() => sink.failures.length > 0);
      expect(sink.failures).toEqual([{ code: ResetCode.localUnreachable, message: 'nothing listens' }]);
      expect(near.closed).toBe(true);
      expect(connection.inFlight).toBe(0);
    });

    it('a reset by who opened it ends it here, and its own sink hears nothing', async () => {
      const { near, far, sink } = await open();
      near.reset(ResetCode.cancelled, 'the client left');
      near.reset(ResetCode.cancelled);
      expect(near.closed).toBe(true);
      expect(connection.inFlight).toBe(0);
      answer(far);
      const next = await open();
      answer(next.far);
      await until(() => next.sink.calls.includes('end'));
      expect(sink.calls).toEqual([]);
    });

    it('a reset by who answers reaches the sink once', async () => {
      const { near, far, sink } = await open();
      far.reset(ResetCode.localFailed, 'no answer');
      await until(() => sink.failures.length > 0);
      expect(sink.failures.map(({ code }) => code)).toEqual([ResetCode.localFailed]);
      expect(sink.calls).toEqual(['failed']);
      expect(near.closed).toBe(true);
      expect(connection.inFlight).toBe(0);
    });

    it('fails every exchange once when it ends, and takes no more', async () => {
      const running = [await open(), await open({ method: 'POST', body: true }, undefined, uploading), await open()];
      carried.breakOff();
      await until(() => connection.closed);
      expect(running.map(({ sink }) => sink.failures.map(({ code }) => code))).toEqual(
        running.map(() => ['connection-lost']),
      );
      expect(connection).toMatchObject({ inFlight: 0, accepting: false, standby: false });
      expect(await connection.answers(1000)).toBe(false);
      const head: OpenHead = { kind: ExchangeKind.http, method: 'GET', target: '/', headers: [], body: false };
      expect(() => connection.open(head, new RecordingSink())).toThrow(
        expect.objectContaining({ code: 'BERTH_CONNECTION_CLOSED' }) as Error,
      );
    });

    it('fails every exchange at once when it is closed, twice as well as once', async () => {
      const { sink } = await open();
      connection.close();
      connection.close();
      expect(sink.failures.map(({ code }) => code)).toEqual(['connection-lost']);
      expect(connection).toMatchObject({ closed: true, inFlight: 0, accepting: false });
    });

    it('drains: takes nothing new, and lets what runs end', async () => {
      const { far, sink } = await open();
      expect(connection).toMatchObject({ accepting: true, draining: false });
      connection.drain('shutdown', DEADLINE_MS, false);
      expect(connection).toMatchObject({ accepting: false, draining: true, standby: false, closed: false });
      answer(far);
      await until(() => sink.calls.includes('end') && connection.inFlight === 0);
      expect(sink.failures).toEqual([]);
    });

    it('drains until its deadline and no longer', async () => {
      const { sink } = await open();
      connection.drain('disconnected', 50, false);
      await until(() => connection.closed);
      expect(sink.failures.map(({ code }) => code)).toEqual(['connection-lost']);
    });

    itCan('successors', 'serves on while the agent has been asked for a successor', async () => {
      connection.drain('idExhausted', DEADLINE_MS, true);
      expect(connection).toMatchObject({ accepting: false, standby: true, closed: false });
      const { far, sink } = await open();
      answer(far);
      await until(() => sink.calls.includes('end'));
    });

    it('lists what is under way, each until it ends', async () => {
      expect(connection.exchanges()).toEqual([]);
      const before = performance.now();
      const running = [await open(), await open()];
      expect(new Set(connection.exchanges())).toEqual(new Set(running.map(({ near }) => near)));
      for (const { openedAt } of connection.exchanges()) {
        expect(openedAt).toBeGreaterThanOrEqual(before);
        expect(openedAt).toBeLessThanOrEqual(performance.now());
      }
      answer(running[0]?.far as IncomingExchange);
      await until(() => connection.exchanges().length === 1);
      expect(connection.exchanges()[0]).toBe(running[1]?.near);
      running[1]?.near.reset(ResetCode.cancelled);
      expect(connection.exchanges()).toEqual([]);
    });

    it('counts what is under way, however it ends', async () => {
      expect(connection.capacity).toBeGreaterThanOrEqual(8);
      const running = [];
      for (let i = 0; i < 8; i += 1)
        running.push(await open({ method: 'POST', body: i % 2 === 0 }, undefined, uploading));
      expect(connection.inFlight).toBe(8);
      for (const [index, { near, far }] of running.entries()) {
        if (index < 3) answer(far);
        else if (index < 6) near.reset(ResetCode.cancelled);
        else far.reset(ResetCode.localFailed);
      }
      await until(() => connection.inFlight === 0);
    });

    it('knows whether the process behind it answers', async () => {
      expect(await connection.answers(DEADLINE_MS)).toBe(true);
      expect(performance.now() - connection.lastSeenAt).toBeLessThan(DEADLINE_MS);
    });
  });
}
