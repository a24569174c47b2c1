import {
  connection,
  credit,
  creditReturn,
  data,
  end,
  head,
  informational,
  LoneSession,
  open,
  WINDOW_BYTES,
} from '../testing/lone-session.js';
import type { ModelFrame } from '../testing/frame-model.js';
import { turn } from '../testing/wire.js';
import { FrameField } from './frame-encoder.js';

type Frames = ModelFrame[];

function codes(lone: LoneSession): (string | null)[] {
  return lone.closed.map((error) => error?.code ?? null);
}

/** A gateway with exchange 1 (http, its request body still open), 2 (upgrade) and 3 (tcp). */
function gateway(): LoneSession {
  const lone = new LoneSession('gateway');
  lone.open({ body: true });
  lone.open({ kind: 1, body: true });
  lone.open({ kind: 2, body: true });
  return lone;
}

/** An agent with exchange 5 (a body comes) and 6 (none). */
function agent(): LoneSession {
  const lone = new LoneSession('agent');
  lone.receive(open(5, true), open(6));
  return lone;
}

const hints = (exchange: number, bytes: number): ModelFrame =>
  informational(exchange, 103, ['Link', 'l'.repeat(bytes)]);

const fromAgent: [string, Frames][] = [
  ['a frame of an exchange that was never opened', [head(9)]],
  ['credit for an exchange that was never opened', [credit(9, 1)]],
  ['a second Head', [head(1), head(1)]],
  ['Data before Head', [data(1, 1)]],
  ['End before Head', [end(1)]],
  ['Data before the 101 of an upgrade', [data(2, 1)]],
  ['Data after End', [head(2, 101), end(2), data(2, 1)]],
  ['a second End', [head(2, 101), end(2), end(2)]],
  ['a 101 that nobody asked for', [head(1, 101)]],
  ['a Head with status 99', [head(1, 99)]],
  ['a Head with an interim status', [head(1, 100)]],
  ['a Head with status 1000', [head(1, 1000)]],
  ['a Head on a byte pipe', [head(3)]],
  ['an interim response on a byte pipe', [informational(3)]],
  ['an interim response with status 101', [informational(2, 101)]],
  ['an interim response with status 200', [informational(1, 200)]],
  ['an interim response after Head', [head(1), informational(1)]],
  ['65 interim responses', Array.from({ length: 65 }, () => informational(1))],
  ['more bytes of interim responses than an exchange may have', [hints(1, 40_000), hints(1, 30_000)]],
  ['a head of more than 64 KiB', [head(1, 200, ['X', 'x'.repeat(65_530)])]],
  ['trailers of more than 64 KiB', [head(1), end(1, ['X', 'x'.repeat(65_530)])]],
  ['a CreditReturn of what it never had', [head(1), creditReturn(1, 1)]],
  ['a CreditReturn after End', [head(2, 101), end(2), creditReturn(2, 0)]],
  ['more Data than there is credit', [head(1), ...Array.from({ length: 3 }, () => data(1, 30_000))]],
  ['Data larger than a frame may be', [head(1), data(1, 32_769)]],
  ['Open', [open(7)]],
  ['more credit than a number may hold', [credit(1, 0x7fffffff), credit(1, 1)]],
];

const fromGateway: [string, Frames][] = [
  ['a frame of an exchange that was never opened', [data(9, 1)]],
  ['an exchange opened twice', [open(5)]],
  ['a number that does not rise', [open(4)]],
  ['a number beyond 31 bits', [open(0x80000000)]],
  ['Data after an Open that promised none', [data(6, 1)]],
  ['End after an Open that promised none', [end(6)]],
  ['Data after End', [end(5), data(5, 1)]],
  ['more Data than there is credit', Array.from({ length: 3 }, () => data(5, 30_000))],
  ['Head', [head(5)]],
  ['an interim response', [informational(5)]],
];

describe('a session whose peer breaks a rule', () => {
  it.each(fromAgent)('of the agent: %s', (_name, frames) => {
    const lone = gateway();
    lone.receive(...frames);
    expect(codes(lone)).toEqual(['BERTH_PROTOCOL_ERROR']);
    for (const { failures } of lone.sinks) expect(failures.map(({ code }) => code)).toEqual(['connection-lost']);
    expect(lone.session.inFlight).toBe(0);
  });

  it.each(fromGateway)('of the gateway: %s', (_name, frames) => {
    const lone = agent();
    lone.receive(...frames);
    expect(codes(lone)).toEqual(['BERTH_PROTOCOL_ERROR']);
    for (const { failures } of lone.sinks) expect(failures.map(({ code }) => code)).toEqual(['connection-lost']);
    expect(lone.session.inFlight).toBe(0);
  });

  it('closes on bytes that are no batch, and hears nothing more', () => {
    const lone = gateway();
    lone.session.receive(Buffer.from([1, 2, 3]));
    lone.receive(head(1));
    expect(codes(lone)).toEqual(['BERTH_PROTOCOL_ERROR']);
    expect(lone.sinks[0]?.calls).toEqual(['failed connection-lost']);
  });

  it('opens nothing behind the frame that closed it, in the same batch', () => {
    const lone: LoneSession = new LoneSession('agent', { goaway: () => lone.session.close() });
    lone.receive(connection(FrameField.goaway), open(1));
    expect(lone.sinks).toEqual([]);
    expect(lone.session.inFlight).toBe(0);
  });

  it('cuts off a peer that asks on and on and reads nothing', async () => {
    const lone = gateway();
    await turn();
    // Nothing is ever taken from the wire, so Pongs pile up.
    for (let sent = 0; sent < 200_000 && !lone.session.closed; sent += 1000) {
      lone.receive(...Array.from({ length: 1000 }, () => connection(FrameField.ping, '\x08\x01')));
      await turn();
    }
    expect(codes(lone)).toEqual(['BERTH_PROTOCOL_ERROR']);
    expect(lone.sinks.map(({ failures }) => failures.length)).toEqual([1, 1, 1]);
    expect(lone.wire.log.reduce((sum, batch) => sum + batch.length, 0)).toBeLessThan(262_144 + 65_536);
  });
});

describe('what is no fault of the peer', () => {
  it('frames that crossed the end of their exchange', () => {
    const lone = gateway();
    lone.sinks[0]?.exchange?.reset(1);
    lone.receive(informational(1), head(1), data(1, 10), credit(1, 10), end(1), {
      exchange: 1,
      kind: 'reset',
      code: 2,
      message: '',
    });
    expect(lone.closed).toEqual([]);
    expect(lone.sinks[0]?.calls).toEqual([]);
  });

  it('an empty Data, and 64 interim responses', () => {
    const lone = gateway();
    lone.receive(...Array.from({ length: 64 }, () => informational(1, 102)), head(1), data(1, 0), data(1, 1));
    expect(lone.closed).toEqual([]);
    expect(lone.sinks[0]?.calls.slice(-2)).toEqual(['head 200', 'data 1']);
  });

  it('interim responses beyond what a connection may keep: they are not passed on, but for 100', () => {
    const lone = new LoneSession('gateway');
    for (let id = 1; id <= 70; id += 1) lone.open();
    for (let id = 1; id <= 70; id += 1) lone.receive(hints(id, 65_000));
    const passed = (): number => lone.sinks.filter(({ calls }) => calls.includes('informational 103')).length;
    expect(passed()).toBe(64);
    lone.receive(informational(70, 100));
    expect(lone.sinks[69]?.calls).toEqual(['informational 100']);
    // An exchange that is over makes room for another one.
    lone.receive(head(1), end(1), hints(70, 65_000));
    expect(passed()).toBe(65);
    expect(lone.closed).toEqual([]);
  });

  it('of its own interim responses, it sends no more than the peer may take', async () => {
    const lone = agent();
    const { incoming: exchange } = lone.sinks[0] ?? {};
    for (let i = 0; i < 10; i += 1) exchange?.sendInformational({ status: 103, headers: ['Link', 'l'.repeat(20_000)] });
    exchange?.sendInformational({ status: 100, headers: [] });
    await turn();
    expect(lone.sentKinds).toEqual([...Array<string>(4).fill('informational 5')]);
  });

  it('a window that is used to the last byte', () => {
    const lone = agent();
    lone.receive(data(5, 32_768), data(5, WINDOW_BYTES - 32_768), end(5));
    expect(lone.closed).toEqual([]);
  });

  it('one exchange too many, or of a kind from the future: those alone are refused', async () => {
    const lone = agent();
    lone.receive(open(7), open(8, true), data(8, 10), { exchange: 3000, kind: 'open', head: { ...opened, kind: 2 } });
    lone.sinks[0]?.exchange?.reset(9);
    lone.receive({ exchange: 3001, kind: 'open', head: { ...opened, kind: 7 as 2 } });
    await turn();
    expect(lone.closed).toEqual([]);
    expect(lone.sent).toMatchObject([
      { exchange: 8, kind: 'reset', code: 3 },
      { exchange: 3000, kind: 'reset', code: 3 },
      { exchange: 5, kind: 'reset', code: 9 },
      { exchange: 3001, kind: 'reset', code: 8 },
    ]);
    expect(lone.session.inFlight).toBe(2);
  });

  it('a reset code from the future: it counts as unspecified, and its text is kept short', () => {
    const lone = gateway();
    lone.receive({ exchange: 1, kind: 'reset', code: 77 as 1, message: 'x'.repeat(1000) });
    expect(lone.sinks[0]?.failures).toMatchObject([{ code: 0, message: 'x'.repeat(256) }]);
  });
});

const opened = { method: '', target: '', headers: [], body: true };
