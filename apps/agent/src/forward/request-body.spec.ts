import { eventually } from '@berth/testing';
import { type BodySocket, RequestBody } from './request-body.js';

/** A socket whose network takes something only when the test says so, and a body that undici would write to it. */
class Stuck implements BodySocket {
  writableLength = 0;
  readonly chunks: number[] = [];
  private readonly flushed: (() => void)[] = [];

  write(_text: string, flushed: () => void): boolean {
    this.flushed.push(flushed);
    return true;
  }

  read(body: RequestBody): void {
    body.socket = () => this;
    body.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk.length);
      this.writableLength += chunk.length;
    });
  }

  flush(): void {
    this.writableLength = 0;
    for (const flushed of this.flushed.splice(0)) flushed();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('RequestBody', () => {
  it('hands on what it gets, in order, to its end', async () => {
    let consumed = 0;
    const body = new RequestBody((bytes) => (consumed += bytes));
    body.add(Buffer.from('one '));
    const read = (async (): Promise<string> => {
      let text = '';
      for await (const chunk of body) text += String(chunk);
      return text;
    })();
    body.add(Buffer.from('two '));
    await eventually(() => consumed === 8);
    body.add(Buffer.from('three'));
    body.finish();
    expect(await read).toBe('one two three');
    expect(consumed).toBe(13);
  });

  it('counts no byte as taken that nobody asked for', async () => {
    let consumed = 0;
    const body = new RequestBody((bytes) => (consumed += bytes));
    const chunk = Buffer.alloc(32_768);
    for (let i = 0; i < 100; i += 1) body.add(chunk);
    body.read(0);
    await eventually(() => consumed > 0);
    // Its own buffer, and a chunk at its edge.
    expect(consumed).toBeLessThanOrEqual(65_536 + chunk.length);
    const before = consumed;
    body.read();
    await eventually(() => consumed > before);
    expect(consumed).toBeLessThan(10 * chunk.length);
    body.destroy();
  });

  it('gives a socket that lags no crumbs, and counts them when the network has them', async () => {
    let consumed = 0;
    const body = new RequestBody((bytes) => (consumed += bytes));
    const socket = new Stuck();
    socket.read(body);
    await turn();
    for (let i = 0; i < 40_000; i += 1) {
      body.add(Buffer.from([i & 0xff]));
      if (i % 1000 === 0) await turn();
    }
    expect(socket.chunks).toEqual([1]);
    expect(consumed).toBe(0);
    socket.flush();
    expect(consumed).toBe(1);
    expect(socket.chunks).toEqual([1, 16_384, 16_384, 7_231]);
    await turn();
    socket.flush();
    await turn();
    expect(consumed).toBe(40_000);
    body.add(Buffer.from('quick'));
    expect(socket.chunks.at(-1)).toBe(5);
    body.destroy();
  });

  it('an error of its own ends no process', async () => {
    const body = new RequestBody(() => undefined);
    body.destroy(new Error('the exchange ended'));
    await eventually(() => body.closed);
    body.add(Buffer.from('late'));
    body.finish();
    expect(body.errored?.message).toBe('the exchange ended');
  });
});
