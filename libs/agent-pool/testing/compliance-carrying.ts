import { ExchangeKind, type OpenHead } from '@berth/exchange';
import { answer, type CarriedLab, fill, MUCH_BYTES, pattern, until } from './carried-lab.js';
import { RecordingSink } from './recording-sink.js';

/** What an exchange carries, and how fast. */
export function testsOfCarrying(lab: CarriedLab): void {
  lab.itCan('heads', 'hands the head over as it is, and an exchange knows its connection', async () => {
    const head: OpenHead = {
      kind: ExchangeKind.http,
      method: 'PROPFIND',
      target: '/a%20b?c=d',
      headers: ['X-One', '1', 'x-one', '\xe9', 'Host', 'a'],
      body: true,
    };
    const { near, far } = await lab.open(head);
    expect(far.openHead).toEqual(head);
    expect(near.connection).toBe(lab.connection);
    expect(lab.connection.inFlight).toBe(1);
  });

  it('carries method, target, headers and whole bodies, and an exchange knows its connection', async () => {
    const bytes = pattern(1_000_000);
    const headers = ['X-One', '1', 'X-Two', '2'];
    const { near, far, sink, farSink } = await lab.open(
      { method: 'PUT', target: '/a%2Fb?c=d', headers, body: true },
      new RecordingSink(),
      (it) => {
        for (let at = 0; at < bytes.length; at += 100_000) it.sendData(bytes.subarray(at, at + 100_000));
        it.sendEnd();
      },
    );
    expect(near.connection).toBe(lab.connection);
    expect(far.openHead).toMatchObject({
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
    await until(() => lab.connection.inFlight === 0);
  });

  lab.itCan('interim', 'carries interim responses, head, body and trailers in order', async () => {
    const { far, sink } = await lab.open();
    far.sendInformational({ status: 103, headers: ['Link', '</a>'] });
    far.sendHead({ status: 200, reason: 'Fine', headers: ['A', 'b', 'a', 'c'] });
    far.sendData(Buffer.from('body'));
    far.sendEnd(['X-Sum', '7']);
    await until(() => sink.calls.includes('end'));
    expect(sink.calls).toEqual(['informational 103', 'head', 'data', 'end']);
    expect(sink.response).toEqual({ status: 200, reason: 'Fine', headers: ['A', 'b', 'a', 'c'] });
    expect(sink.bytes.toString()).toBe('body');
    expect(sink.trailers).toEqual(['X-Sum', '7']);
    await until(() => lab.connection.inFlight === 0);
  });

  lab.itCan('streams', 'carries bodies of any size both ways, byte by byte in order', async () => {
    const bytes = pattern(3_000_000);
    const { near, far, sink, farSink } = await lab.open({ method: 'POST', body: true });
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

  lab.itCan('pipes', 'ends the two halves of a pipe independently, either of them first', async () => {
    for (const nearFirst of [true, false]) {
      const { near, far, sink, farSink } = await lab.open({ kind: ExchangeKind.upgrade, body: true });
      far.sendHead({ status: 101, reason: '', headers: [] });
      await until(() => sink.calls.includes('head'));
      const [first, firstSink, second, secondSink] = nearFirst
        ? ([near, sink, far, farSink] as const)
        : ([far, farSink, near, sink] as const);
      first.sendEnd();
      await until(() => secondSink.calls.includes('end'));
      second.sendData(Buffer.from('still here'));
      await until(() => firstSink.bytes.toString() === 'still here');
      expect(lab.connection.inFlight).toBe(1);
      second.sendEnd();
      await until(() => firstSink.calls.includes('end') && lab.connection.inFlight === 0);
    }
  });

  lab.itCan('streams', 'makes who sends to a consumer that takes nothing wait, and goes on when it takes', async () => {
    lab.holds = true;
    const { near, far, sink, farSink } = await lab.open({ method: 'POST', body: true }, new RecordingSink().hold());
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

  lab.itCan('streams', 'lets no exchange that stands still delay another', async () => {
    const slow = await lab.open({}, new RecordingSink().hold());
    slow.far.sendHead({ status: 200, reason: '', headers: [] });
    fill(slow.far);
    const quick = await lab.open();
    answer(quick.far);
    await until(() => quick.sink.calls.includes('end'));
    expect(slow.sink.calls).not.toContain('end');
  });
}
