import { getEventListeners } from 'node:events';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import { type Invocation, type InvocationReply, InvocationStatus } from '../invocation/invocation.js';
import { LocalTransport } from './local-transport.js';
import { steadyNow } from '../runtime/clock.js';

const DELIVERY = { delivery: 'at-most-once' } as const;

function invocation(more: Partial<Invocation> = {}): Invocation {
  return {
    ...{ id: 'i', service: 'test.S', method: 'm', partition: 0, payload: Uint8Array.of(1, 2, 3), options: {} },
    ...more,
  };
}

const okay = (payload?: Uint8Array, headers: Record<string, string> = {}): InvocationReply => ({
  ...{ status: InvocationStatus.OKAY, payload, headers, invocationId: 'other' },
});

/** A method that ends when it is told to. */
class Held {
  readonly signals: AbortSignal[] = [];
  readonly #waiting: ((reply: InvocationReply) => void)[] = [];
  readonly handle: InvocationHandler = (_invocation, _entry, cancellation) => {
    if (cancellation !== undefined) this.signals.push(cancellation.signal);
    return new Promise((resolve) => this.#waiting.push(resolve));
  };
  end(): void {
    for (const resolve of this.#waiting.splice(0)) resolve(okay());
  }
}

describe('LocalTransport (B15)', () => {
  it('shares nothing that either side can change', async () => {
    let seen: Invocation | undefined;
    const result = Buffer.from('result');
    const headers = { name: 'value' };
    const transport = new LocalTransport(
      (given) => {
        seen = given;
        given.payload[0] = 99;
        return Promise.resolve(okay(result, headers));
      },
      () => true,
    );
    const sent = invocation({ options: { locale: 'en' } });
    const reply = await transport.invoke(sent, DELIVERY);
    expect([...sent.payload]).toEqual([1, 2, 3]);
    expect(seen?.options).toEqual({ locale: 'en' });
    expect(Object.isFrozen(seen?.options)).toBe(true);
    (sent.options as Record<string, string>)['locale'] = 'tr';
    sent.payload[1] = 77;
    expect([[...(seen?.payload ?? [])], seen?.options]).toEqual([[99, 2, 3], { locale: 'en' }]);
    expect(reply.invocationId).toBe('i');
    result.fill(0);
    headers.name = 'other';
    expect([Buffer.from(reply.payload ?? []).toString(), reply.headers]).toEqual(['result', { name: 'value' }]);
  });

  it('leaves nothing on a signal that outlives its calls', async () => {
    const held = new Held();
    const transport = new LocalTransport(held.handle, () => true);
    const { signal } = new AbortController();
    const calls = Array.from({ length: 2000 }, () => transport.invoke(invocation(), { ...DELIVERY, signal }));
    expect(transport.desk.counts.running).toBe(2000);
    held.end();
    await Promise.all(calls);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(transport.desk.counts.running).toBe(0);
  });

  it('does not begin what nobody waits for', async () => {
    let runs = 0;
    const transport = new LocalTransport(
      () => Promise.resolve(okay(new Uint8Array((runs += 1)))),
      () => true,
    );
    const signal = AbortSignal.abort();
    await expect(transport.invoke(invocation(), { ...DELIVERY, signal })).rejects.toMatchObject({
      code: 'BERTH_SERVICE_CANCELLED',
    });
    const late = invocation({ deadline: steadyNow() - 1 });
    await expect(transport.invoke(late, DELIVERY)).rejects.toMatchObject({ code: 'BERTH_SERVICE_TIMEOUT' });
    const stopped = new LocalTransport(
      () => Promise.resolve(okay(new Uint8Array((runs += 1)))),
      () => false,
    );
    await expect(stopped.invoke(invocation(), DELIVERY)).rejects.toMatchObject({ code: 'BERTH_SERVICE_UNREACHABLE' });
    expect(runs).toBe(0);
  });

  it('a caller that leaves gets CANCELLED, and its method is told; others are not', async () => {
    const held = new Held();
    const transport = new LocalTransport(held.handle, () => true);
    const caller = new AbortController();
    const left = transport.invoke(invocation(), { ...DELIVERY, signal: caller.signal });
    const stayed = transport.invoke(invocation(), DELIVERY);
    caller.abort();
    await expect(left).rejects.toMatchObject({ code: 'BERTH_SERVICE_CANCELLED' });
    expect(held.signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(transport.desk.counts.running).toBe(2);
    held.end();
    expect((await stayed).status).toBe(InvocationStatus.OKAY);
  });

  it("rejects at the caller's deadline, whatever the method waits for", async () => {
    const held = new Held();
    const transport = new LocalTransport(held.handle, () => true);
    const deadline = Date.now() + 30;
    const call = transport.invoke(invocation({ deadline }), DELIVERY);
    await expect(call).rejects.toMatchObject({ code: 'BERTH_SERVICE_TIMEOUT' });
    expect(Date.now()).toBeGreaterThanOrEqual(deadline);
    expect(held.signals[0]?.reason).toMatchObject({ code: 'BERTH_SERVICE_TIMEOUT' });
    held.end();
    await transport.desk.drain(10_000);
  });

  it('a handler that breaks its promise is SYSTEM_ERROR', async () => {
    const transport = new LocalTransport(
      () => Promise.reject(new Error('broken')),
      () => true,
    );
    expect((await transport.invoke(invocation(), DELIVERY)).status).toBe(InvocationStatus.SYSTEM_ERROR);
    expect(transport.desk.counts.running).toBe(0);
  });

  it('drains: waits for what runs, also when its caller has left', async () => {
    const held = new Held();
    const transport = new LocalTransport(held.handle, () => true);
    await transport.desk.drain(0);
    const caller = new AbortController();
    const left = transport.invoke(invocation(), { ...DELIVERY, signal: caller.signal });
    caller.abort();
    await expect(left).rejects.toThrow('has left');
    let drained = false;
    const draining = transport.desk.drain(10_000).then(() => (drained = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(drained).toBe(false);
    held.end();
    await draining;
  });

  it('drains: cuts off what does not end in time, and can be used again', async () => {
    const held = new Held();
    const transport = new LocalTransport(held.handle, () => true);
    const cut = expect(transport.invoke(invocation(), DELIVERY)).rejects.toMatchObject({
      code: 'BERTH_SERVICE_OUTCOME_UNKNOWN',
    });
    await transport.desk.drain(1);
    await cut;
    expect(held.signals[0]?.aborted).toBe(true);
    expect(transport.desk.counts.running).toBe(0);
    const next = transport.invoke(invocation(), DELIVERY);
    // The end of the one that was cut counts for nothing.
    held.end();
    await next;
    expect(transport.desk.counts.running).toBe(0);
  });
});
