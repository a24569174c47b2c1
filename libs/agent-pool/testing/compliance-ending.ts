import { type IncomingExchange, ResetCode } from '@berth/exchange';
import { answer, type CarriedLab, DEADLINE_MS, GET, until } from './carried-lab.js';
import { RecordingSink } from './recording-sink.js';

/** How exchanges and the connection end, and what it says of itself. */
export function testsOfEnding(lab: CarriedLab): void {
  lab.itCan('resets', 'a reset by who opened it ends it at both ends, and its own sink hears nothing', async () => {
    const { near, far, sink, farSink } = await lab.open({ method: 'POST', body: true });
    near.reset(ResetCode.cancelled, 'the client left');
    expect(near.closed).toBe(true);
    expect(lab.connection.inFlight).toBe(0);
    answer(far);
    await until(() => farSink.failures.length > 0);
    expect(farSink.failures.map(({ code }) => code)).toEqual([ResetCode.cancelled]);
    expect(sink.calls).toEqual([]);
  });

  lab.itCan('resets', 'a reset by who answers reaches the sink with its code', async () => {
    const { near, far, sink } = await lab.open();
    far.reset(ResetCode.localUnreachable, 'nothing listens');
    await until(() => sink.failures.length > 0);
    expect(sink.failures).toEqual([{ code: ResetCode.localUnreachable, message: 'nothing listens' }]);
    expect(near.closed).toBe(true);
    expect(lab.connection.inFlight).toBe(0);
  });

  it('a reset by who opened it ends it here, and its own sink hears nothing', async () => {
    const { near, far, sink } = await lab.open();
    near.reset(ResetCode.cancelled, 'the client left');
    near.reset(ResetCode.cancelled);
    expect(near.closed).toBe(true);
    expect(lab.connection.inFlight).toBe(0);
    answer(far);
    const next = await lab.open();
    answer(next.far);
    await until(() => next.sink.calls.includes('end'));
    expect(sink.calls).toEqual([]);
  });

  it('a reset by who answers reaches the sink once', async () => {
    const { near, far, sink } = await lab.open();
    far.reset(ResetCode.localFailed, 'no answer');
    await until(() => sink.failures.length > 0);
    expect(sink.failures.map(({ code }) => code)).toEqual([ResetCode.localFailed]);
    expect(sink.calls).toEqual(['failed']);
    expect(near.closed).toBe(true);
    expect(lab.connection.inFlight).toBe(0);
  });

  it('fails every exchange once when it ends, and takes no more', async () => {
    const running = [
      await lab.open(),
      await lab.open({ method: 'POST', body: true }, undefined, lab.uploading),
      await lab.open(),
    ];
    lab.carried.breakOff();
    await until(() => lab.connection.closed);
    expect(running.map(({ sink }) => sink.failures.map(({ code }) => code))).toEqual(
      running.map(() => ['connection-lost']),
    );
    expect(lab.connection).toMatchObject({ inFlight: 0, accepting: false, standby: false });
    expect(await lab.connection.answers(1000)).toBe(false);
    expect(() => lab.connection.open(GET, new RecordingSink())).toThrow(
      expect.objectContaining({ code: 'BERTH_CONNECTION_CLOSED' }) as Error,
    );
  });

  it('fails every exchange at once when it is closed, twice as well as once', async () => {
    const { sink } = await lab.open();
    lab.connection.close();
    lab.connection.close();
    expect(sink.failures.map(({ code }) => code)).toEqual(['connection-lost']);
    expect(lab.connection).toMatchObject({ closed: true, inFlight: 0, accepting: false });
  });

  it('drains: takes nothing new, and lets what runs end', async () => {
    const { far, sink } = await lab.open();
    expect(lab.connection).toMatchObject({ accepting: true, draining: false });
    lab.connection.drain('shutdown', DEADLINE_MS, false);
    expect(lab.connection).toMatchObject({ accepting: false, draining: true, standby: false, closed: false });
    answer(far);
    await until(() => sink.calls.includes('end') && lab.connection.inFlight === 0);
    expect(sink.failures).toEqual([]);
  });

  it('drains until its deadline and no longer', async () => {
    const { sink } = await lab.open();
    lab.connection.drain('disconnected', 50, false);
    await until(() => lab.connection.closed);
    expect(sink.failures.map(({ code }) => code)).toEqual(['connection-lost']);
  });

  lab.itCan('successors', 'serves on while the agent has been asked for a successor', async () => {
    lab.connection.drain('idExhausted', DEADLINE_MS, true);
    expect(lab.connection).toMatchObject({ accepting: false, standby: true, closed: false });
    const { far, sink } = await lab.open();
    answer(far);
    await until(() => sink.calls.includes('end'));
  });

  it('lists what is under way, each until it ends', async () => {
    expect(lab.connection.exchanges()).toEqual([]);
    const before = performance.now();
    const running = [await lab.open(), await lab.open()];
    expect(new Set(lab.connection.exchanges())).toEqual(new Set(running.map(({ near }) => near)));
    for (const { openedAt } of lab.connection.exchanges()) {
      expect(openedAt).toBeGreaterThanOrEqual(before);
      expect(openedAt).toBeLessThanOrEqual(performance.now());
    }
    answer(running[0]?.far as IncomingExchange);
    await until(() => lab.connection.exchanges().length === 1);
    expect(lab.connection.exchanges()[0]).toBe(running[1]?.near);
    running[1]?.near.reset(ResetCode.cancelled);
    expect(lab.connection.exchanges()).toEqual([]);
  });

  it('counts what is under way, however it ends', async () => {
    expect(lab.connection.capacity).toBeGreaterThanOrEqual(8);
    const running = [];
    for (let i = 0; i < 8; i += 1)
      running.push(await lab.open({ method: 'POST', body: i % 2 === 0 }, undefined, lab.uploading));
    expect(lab.connection.inFlight).toBe(8);
    for (const [index, { near, far }] of running.entries()) {
      if (index < 3) answer(far);
      else if (index < 6) near.reset(ResetCode.cancelled);
      else far.reset(ResetCode.localFailed);
    }
    await until(() => lab.connection.inFlight === 0);
  });

  it('knows whether the process behind it answers', async () => {
    expect(await lab.connection.answers(DEADLINE_MS)).toBe(true);
    expect(performance.now() - lab.connection.lastSeenAt).toBeLessThan(DEADLINE_MS);
  });
}
