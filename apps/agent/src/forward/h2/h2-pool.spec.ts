import type { ServerHttp2Stream } from 'node:http2';
import { eventually } from '@berth/testing';
import { answer, forwarding, over } from '../../../testing/h2-forwarding.js';

describe('H2Pool', () => {
  it('a further connection is opened when the streams of all others are in use', async () => {
    const held: ServerHttp2Stream[] = [];
    await using setup = await forwarding((stream) => held.push(stream), { maxConnections: 3 }, 2);
    const recorders = Array.from({ length: 6 }, () => setup.ask());
    await eventually(() => held.length === 6);
    expect(setup.service.sessions.length).toBe(3);
    expect([setup.forwarder.pool.inUse, setup.forwarder.pool.queued]).toEqual([3, 0]);
    for (const stream of held) answer(stream, {}, []);
    for (const recorder of recorders) expect(await over(recorder)).toEqual(['head 200', 'end']);
  });

  it('at local.maxConnections exchanges wait for a stream, and one after local.queueTimeoutMs is refused', async () => {
    const held: ServerHttp2Stream[] = [];
    await using setup = await forwarding((stream) => held.push(stream), { maxConnections: 1, queueTimeoutMs: 300 }, 1);
    const first = setup.ask();
    await eventually(() => held.length === 1);
    const second = setup.ask();
    expect(setup.forwarder.pool.queued).toBe(1);
    for (const stream of held) answer(stream, {}, []);
    expect(await over(first)).toEqual(['head 200', 'end']);
    await eventually(() => held.length === 2);
    const third = setup.ask();
    expect(await over(third)).toEqual([expect.stringMatching(/^reset: all streams of its HTTP\/2 connections/)]);
    expect(second.calls).toEqual([]);
  });

  it('one that leaves the queue has no stream', async () => {
    const held: ServerHttp2Stream[] = [];
    await using setup = await forwarding((stream) => held.push(stream), { maxConnections: 1 }, 1);
    setup.ask();
    await eventually(() => held.length === 1);
    const leaving = setup.ask();
    leaving.sink.failed({ code: 1, message: '' });
    const next = setup.ask({ target: '/next' });
    for (const stream of held) answer(stream, {}, []);
    await eventually(() => held.length === 2);
    expect(held[1]?.sentHeaders).toBeUndefined();
    if (held[1] !== undefined) answer(held[1], {}, []);
    expect(await over(next)).toEqual(['head 200', 'end']);
    expect(leaving.calls).toEqual([]);
  });

  it.each([
    ['is closed when it was not used for local.keepAliveMs', 50],
    ['with local.keepAliveMs 0 is closed when nothing runs on it', 0],
  ])('a connection %s', async (_name, keepAliveMs) => {
    await using setup = await forwarding(answer, { keepAliveMs });
    expect(await over(setup.ask())).toEqual(['head 200', 'end']);
    await eventually(() => setup.service.sessions[0]?.destroyed);
    expect(await over(setup.ask())).toEqual(['head 200', 'end']);
    expect(setup.service.sessions.length).toBe(2);
  });

  it('a service that allows no stream for now is not asked for connection after connection', async () => {
    await using setup = await forwarding(answer, { queueTimeoutMs: 200 }, 0);
    expect(await over(setup.ask())).toEqual([expect.stringMatching(/^reset: all streams/)]);
    expect(setup.service.sessions.length).toBe(1);
    setup.service.sessions[0]?.settings({ maxConcurrentStreams: 5 });
    await eventually(async () => (await over(setup.ask())).includes('end'));
    expect(setup.service.sessions.length).toBe(1);
  });

  it('a burst of 1,000 has no more connections than the service makes necessary', async () => {
    await using setup = await forwarding(answer, {}, 250);
    const recorders = Array.from({ length: 1000 }, () => setup.ask());
    for (const recorder of recorders) expect(await over(recorder)).toEqual(['head 200', 'end']);
    expect(setup.service.sessions.length).toBeLessThanOrEqual(4);
  });
});
