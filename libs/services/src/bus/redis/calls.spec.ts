import { eventually } from '@berth/testing';
import { codeOf, invocation, later, SERVICE } from '../../../testing/bus/lab.js';
import type { InvocationReply, Invocation } from '../../invocation/invocation.js';
import { Call } from './call.js';
import { Calls } from './calls.js';
import { redisBusLimits, type RedisBusOptions } from './options.js';
import type { Args, Op } from './pipeline.js';
import type { Session } from './session.js';

const open: Calls[] = [];

/** The calls of a process whose broker is away; it keeps what they push. */
function fakeCalls(options: Partial<RedisBusOptions> = {}) {
  const ops: Op[] = [];
  let measured = 0;
  const measure = (): void => void (measured += 1);
  const session = { pipeline: { push: (op: Op) => ops.push(op) }, up: { is: false }, reason: 'away', measure };
  const limits = redisBusLimits({ url: 'redis://nowhere', ...options });
  const calls = new Calls(limits, session as unknown as Session);
  open.push(calls);
  const call = (part: Partial<Invocation>, signal?: AbortSignal): Promise<InvocationReply> =>
    new Promise((resolve, reject) => {
      calls.invoke(invocation(part), { delivery: 'at-most-once', signal }, resolve, reject);
    });
  /** bytes that are held by steps which wait */
  const held = (): number =>
    ops.reduce((sum, op) => sum + op.size + (op instanceof Call ? op.invocation.payload.length : 0), 0);
  return { ops, calls, call, held, measured: () => measured };
}

function written(op: Op | undefined): Args {
  const args: Args = [];
  op?.write(args);
  return args;
}

describe('Calls', () => {
  afterEach(() => {
    for (const calls of open.splice(0)) calls.close();
  });

  it('maxPendingBytes holds while the broker is away: what has ended holds no payload', async () => {
    const { ops, call, held } = fakeCalls({ maxPendingBytes: 10_000 });
    const payload = Buffer.alloc(6_000, 255);
    for (let i = 0; i < 100; i += 1) {
      const leaving = new AbortController();
      const left = codeOf(call({ payload }, leaving.signal));
      expect(held()).toBeGreaterThan(6_000);
      leaving.abort();
      expect(await left).toBe('BERTH_SERVICE_CANCELLED');
    }
    for (let i = 0; i < 5; i += 1)
      expect(await codeOf(call({ payload, deadline: Date.now() + 20 }))).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
    expect(ops).toHaveLength(105);
    expect(held()).toBe(0);
  });

  it('a deadline that is no number is INVALID; one beyond all measure is the longest there is', async () => {
    const { ops, call } = fakeCalls();
    expect(await codeOf(call({ deadline: NaN }))).toBe('BERTH_SERVICE_INVALID');
    expect(await codeOf(call({ deadline: -Infinity }))).toBe('BERTH_SERVICE_TIMEOUT');
    expect(ops).toHaveLength(0);
    const waiting = [Infinity, Number.MAX_SAFE_INTEGER, 1e300].map((deadline) => {
      const leaving = new AbortController();
      return { leaving, code: codeOf(call({ deadline }, leaving.signal)) };
    });
    for (const op of ops) expect(Number(written(op)[3])).toBeGreaterThan(999_999_000_000);
    for (const op of ops) expect(written(op)[3]).toMatch(/^\d{12,13}$/);
    for (const { leaving } of waiting) leaving.abort();
    for (const { code } of waiting) expect(await code).toBe('BERTH_SERVICE_CANCELLED');
    // The steps that say so are known to the broker for longer than the calls.
    const cancels = ops.slice(3).map(written);
    expect(cancels.map(([op]) => op)).toEqual(['C', 'C', 'C']);
    for (const [, , ms] of cancels) expect(ms).toMatch(/^10000\d{8}$|^999\d{9}$|^1000\d{9}$/);
  });

  it('a caller that leaves is known to the broker until workerTimeoutMs beyond its deadline, and no longer', async () => {
    const { ops, call } = fakeCalls({ workerTimeoutMs: 100 });
    const leaving = new AbortController();
    const left = codeOf(call({ deadline: Date.now() + 1_000 }, leaving.signal));
    written(ops[0]);
    leaving.abort();
    expect(await left).toBe('BERTH_SERVICE_CANCELLED');
    const [op, number, ms, ...place] = written(ops[1]);
    expect([op, number]).toEqual(['C', '1']);
    expect(place).toEqual([`oprc/${SERVICE}/0`, 'madd']);
    expect(Number(ms)).toBeGreaterThan(1_000);
    expect(Number(ms)).toBeLessThanOrEqual(1_100);
    expect(ops[1]?.withdrawn).toBe(false);
    await eventually(() => ops[1]?.withdrawn === true);
  });

  it('what the broker failed at is OUTCOME_UNKNOWN at once', async () => {
    const { ops, call } = fakeCalls();
    const failed = codeOf(call({}));
    ops[0]?.failed?.('ERR something');
    expect(await failed).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
  });

  it('a reply that cannot be read is OUTCOME_UNKNOWN, of its own call alone', async () => {
    const { calls, call } = fakeCalls();
    const [bad, good] = [codeOf(call({})), later(call({}))];
    calls.answered('1', Buffer.from('R0p{bad\nx'));
    calls.answered('2', Buffer.from('R0-\n'));
    expect(await bad).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    expect((await good).status).toBe(0);
  });

  it('what seems to have been on its way for too long is sent again, while its deadline is ahead', async () => {
    const { ops, calls, call, measured } = fakeCalls();
    const answer = later(call({}));
    const late = codeOf(call({ deadline: Date.now() + 200 }));
    for (const op of ops) written(op);
    for (const number of ['1', '2']) calls.answered(number, Buffer.from('A'));
    expect(measured()).toBeGreaterThan(0);
    await eventually(() => ops.length === 4);
    expect(ops.slice(2)).toEqual(ops.slice(0, 2));
    calls.answered('1', Buffer.from('R0-\n'));
    expect((await answer).status).toBe(0);
    calls.answered('2', Buffer.from('A'));
    // Never accepted, and the broker is away.
    expect(await late).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
  });

  it('a bus that is closed takes its calls along: those that the broker may have', async () => {
    const { ops, calls, call } = fakeCalls();
    const waiting = [1, 2, 3].map(() => codeOf(call({})));
    for (const op of ops.slice(0, 2)) written(op);
    calls.close();
    for (const code of waiting) expect(await code).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
    expect(ops.slice(3).map((op) => written(op).slice(0, 2))).toEqual([
      ['C', '1'],
      ['C', '2'],
    ]);
    expect(ops[2]?.withdrawn).toBe(true);
  });
});
