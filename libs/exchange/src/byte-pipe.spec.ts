import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { FakeClient, fakeRequest } from '../testing/fake-dispatch.js';
import { FakeExchange } from '../testing/fake-exchange.js';
import { BytePipe } from './index.js';

/** A socket whose network takes bytes when the test says so. */
class FakeSocket extends Duplex {
  readonly written: string[] = [];
  private readonly waiting: (() => void)[] = [];

  override _read(): void {
    // Given by push().
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.written.push(String(bytes));
    this.waiting.push(done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.written.push(chunks.map(({ chunk }) => chunk.length).join('+'));
    this.waiting.push(done);
  }

  override _final(done: () => void): void {
    this.written.push('end');
    done();
  }

  flush(): void {
    this.waiting.shift()?.();
  }
}

function pipe() {
  const socket = new FakeSocket();
  const exchange = new FakeExchange(fakeRequest().openHead, new FakeClient());
  return { socket, exchange, pipe: new BytePipe(socket, exchange) };
}

describe('a byte pipe', () => {
  it('sends early bytes first, pauses the socket for want of room, and goes on', async () => {
    const { socket, exchange, pipe: it } = pipe();
    it.begin(Buffer.from('early'));
    exchange.hasRoom = false;
    socket.push('a');
    await turn();
    socket.push('b');
    socket.push(null);
    await turn();
    expect([exchange.calls, socket.isPaused(), it.ended]).toEqual([['data early', 'data a'], true, false]);
    exchange.hasRoom = true;
    it.writable();
    await turn();
    expect([exchange.calls, it.ended]).toEqual([['data early', 'data a', 'data b', 'end'], true]);
  });

  it('of a socket that has ended before sends what was early, and its end', async () => {
    const { socket, exchange, pipe: it } = pipe();
    socket.push(null);
    socket.resume();
    await turn();
    it.begin(Buffer.from('early'));
    expect(exchange.calls).toEqual(['data early', 'end']);
  });

  it('ends the socket when the network has taken what came before', async () => {
    const { socket, exchange, pipe: it } = pipe();
    it.data(Buffer.from('a'));
    it.data(Buffer.from('b'));
    it.end();
    await turn();
    expect([socket.written, exchange.calls]).toEqual([['a'], ['consumed 1']]);
    expect(socket.writableEnded).toBe(false);
    socket.flush();
    await turn();
    expect(socket.written).toEqual(['a', 'b']);
    socket.flush();
    await turn();
    expect([socket.written, exchange.calls]).toEqual([
      ['a', 'b', 'end'],
      ['consumed 1', 'consumed 1'],
    ]);
  });

  it('counts what comes for a socket that is gone as taken', () => {
    const { socket, exchange, pipe: it } = pipe();
    socket.destroy();
    it.data(Buffer.from('abc'));
    expect(exchange.calls).toEqual(['consumed 3']);
  });

  it('writes what one turn brings in bulk at once, a short neighbour with it, and lone bytes as they come', async () => {
    const { socket, exchange, pipe: it } = pipe();
    const large = Buffer.alloc(32_768);
    it.begin(Buffer.alloc(0));
    it.data(large);
    it.data(large);
    await turn();
    socket.flush();
    await turn();
    it.data(Buffer.alloc(24));
    it.data(large);
    expect(socket.written).toEqual(['32768+32768']);
    await turn();
    socket.flush();
    await turn();
    it.data(Buffer.from('last'));
    await turn();
    socket.flush();
    await turn();
    it.data(Buffer.from('lone'));
    expect(socket.written).toEqual(['32768+32768', '24+32768', 'last', 'lone']);
    const taken = exchange.calls.map((call) => Number(call.replace('consumed ', '')));
    expect(taken.reduce((sum, bytes) => sum + bytes, 0)).toBe(3 * 32_768 + 24 + 8);
  });

  it('that ends in the turn of its last chunks gives them all, and then its end', async () => {
    const { socket, pipe: it } = pipe();
    it.begin(Buffer.alloc(0));
    it.data(Buffer.alloc(20_000));
    it.data(Buffer.alloc(20_001));
    it.end();
    await turn();
    socket.flush();
    await turn();
    expect(socket.written).toEqual(['20000+20001', 'end']);
  });
});
