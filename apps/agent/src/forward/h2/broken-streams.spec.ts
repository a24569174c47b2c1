import type { ServerHttp2Stream } from 'node:http2';
import { type ExchangeFailure, ResetCode } from '@berth/exchange';
import { eventually } from '@berth/testing';
import { answer, forwarding, over } from '../../../testing/h2-forwarding.js';

const LEFT: ExchangeFailure = { code: ResetCode.cancelled, message: '' };

describe('streams that are broken off', () => {
  it('the place of one is given on when the service knows of it', async () => {
    let seen = 0;
    await using setup = await forwarding(
      (stream, headers) => {
        seen += 1;
        if (headers[':path'] !== '/held') answer(stream, headers, []);
      },
      { maxConnections: 1 },
      1,
    );
    for (let round = 1; round <= 3; round += 1) {
      const leaving = setup.ask({ target: '/held' });
      await eventually(() => seen === round * 2 - 1);
      leaving.sink.failed(LEFT);
      expect(await over(setup.ask({ method: 'POST' }, 'abc'))).toEqual(['head 200', 'end']);
    }
    expect(setup.service.sessions.length).toBe(1);
  });

  it('a service that answers nothing is sent one PING for all of them', async () => {
    const held: ServerHttp2Stream[] = [];
    let pings = 0;
    await using setup = await forwarding((stream) => held.push(stream), { maxConnections: 1 }, 1);
    for (let round = 1; round <= 4; round += 1) {
      const leaving = setup.ask();
      await eventually(() => held.length === round);
      if (round === 1) setup.service.sessions[0]?.on('ping', () => (pings += 1));
      leaving.sink.failed(LEFT);
    }
    expect(pings).toBe(1);
    const next = setup.ask();
    await eventually(() => held.length === 5);
    for (const stream of held) if (!stream.destroyed) answer(stream, {}, []);
    expect(await over(next)).toEqual(['head 200', 'end']);
  });

  it('1,500 at once are spread, so that no service ends the connection that others use', async () => {
    const held: ServerHttp2Stream[] = [];
    const most = new Map<unknown, number>();
    let left = 0;
    await using setup = await forwarding(
      (stream, headers) => {
        most.set(stream.session, (most.get(stream.session) ?? 0) + 1);
        if (headers[':method'] === 'POST') held.push(stream);
        else stream.on('close', () => (left += 1));
      },
      {},
      100_000,
    );
    const leaving = Array.from({ length: 1500 }, () => setup.ask());
    const staying = Array.from({ length: 60 }, () => setup.ask({ method: 'POST' }, 'abc'));
    await eventually(() => held.length === 60);
    expect(Math.max(...most.values())).toBeLessThanOrEqual(500);
    for (const recorder of leaving) recorder.sink.failed(LEFT);
    await eventually(() => left === 1500);
    for (const stream of held) if (!stream.destroyed) answer(stream, {}, []);
    for (const recorder of staying) expect(await over(recorder)).toEqual(['head 200', 'end']);
  });
});
