import { constants, type Settings } from 'node:http2';
import { eventually } from '@berth/testing';
import { H2, H2_PREFACE, h2Frame } from '@berth/testing/system';
import { ask, codes, Http2TestPort, rawHead } from '../../../testing/http2-port.js';
import { FloodWatch } from './flood-watch.js';
import { LARGE_WINDOW_BYTES, START_WINDOW_BYTES } from './upload-window.js';

/** Of bodies, as a fake exchange has written them down. */
function bytesOf(calls: string[]): number {
  return calls.filter((call) => call.startsWith('data ')).reduce((sum, call) => sum + call.length - 5, 0);
}

const ACK = h2Frame(H2.settings, 1, 0);

describe('uploads on a connection of HTTP/2', () => {
  it('lets a client send more ahead while its body is taken, and little of one that nobody takes', async () => {
    await using port = await Http2TestPort.start();
    const client = await port.connect();
    const sizes: (number | undefined)[] = [];
    client.on('remoteSettings', (settings: Settings) => sizes.push(settings.initialWindowSize));
    const { got, stream } = ask(client, { ':method': 'POST', ':path': '/' }, false);
    const body = Buffer.alloc(3 * 1024 * 1024);
    stream.write(body);
    await eventually(() => sizes.includes(LARGE_WINDOW_BYTES));
    await eventually(() => bytesOf(port.pool.last.calls) === body.length);
    stream.end();
    await eventually(() => port.pool.last.calls.includes('end'));
    port.pool.last.sink.head({ status: 204, reason: '', headers: [] });
    port.pool.last.sink.end(undefined);
    await eventually(() => got.closed && sizes.at(-1) === START_WINDOW_BYTES);
    const stalled = ask(client, { ':method': 'POST', ':path': '/' }, false);
    await eventually(() => port.pool.exchanges.length === 2);
    port.pool.last.hasRoom = false;
    stalled.stream.write(body);
    await eventually(() => bytesOf(port.pool.last.calls) > 0);
    expect(bytesOf(port.pool.last.calls)).toBeLessThanOrEqual(START_WINDOW_BYTES);
  });

  it('goes on when a whole window of data comes for a request that was answered before its end', async () => {
    let looks = 0;
    const now = (): number => {
      looks += 1;
      return performance.now();
    };
    await using port = await Http2TestPort.start({}, {}, new FloodWatch(now, 5));
    const client = await port.raw(H2_PREFACE, ACK, rawHead(1));
    const data = Buffer.concat(Array.from({ length: 32 }, () => h2Frame(H2.data, 0, 1, Buffer.alloc(16_384))));
    client.send(data);
    await eventually(() => port.pool.exchanges.length === 1 && bytesOf(port.pool.last.calls) === 512 * 1024);
    client.send(ACK);
    port.pool.last.closed = true;
    port.pool.last.sink.head({ status: 413, reason: '', headers: [] });
    port.pool.last.sink.end(undefined);
    await eventually(() => codes(client, H2.reset).length === 1);
    expect(codes(client, H2.reset)).toEqual([`1:${constants.NGHTTP2_NO_ERROR}`]);
    // All that it had sent before it knew.
    for (let sent = 0; sent < LARGE_WINDOW_BYTES; sent += 512 * 1024) client.send(data);
    client.send(rawHead(3, {}, 5));
    await eventually(() => port.pool.exchanges.length === 2 || client.ended);
    port.pool.last.sink.head({ status: 204, reason: '', headers: [] });
    port.pool.last.sink.end(undefined);
    const before = looks;
    await eventually(() => looks > before + 2 || client.ended);
    expect([port.pool.exchanges.length, client.ended, codes(client, H2.goaway)]).toEqual([2, false, []]);
  });
});
