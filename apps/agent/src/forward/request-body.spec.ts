import { eventually } from '#testing';
import { RequestBody } from './request-body.js';

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

  it('an error of its own ends no process', async () => {
    const body = new RequestBody(() => undefined);
    body.destroy(new Error('the exchange ended'));
    await eventually(() => body.closed);
    body.add(Buffer.from('late'));
    body.finish();
    expect(body.errored?.message).toBe('the exchange ended');
  });
});
