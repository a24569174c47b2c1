import { Backlog, type ByteSink, type Corkable, passesBy } from './backlog.js';

/** A socket whose network takes something only when the test says so. */
class Sink implements ByteSink {
  readonly got: Buffer[] = [];
  private readonly unsent: { bytes: number; flushed: ((error?: Error | null) => void) | undefined }[] = [];
  corks: string[] = [];
  readonly socket = {
    cork: () => this.corks.push('cork'),
    uncork: () => this.corks.push('uncork'),
  } as Corkable;

  write(bytes: Buffer, flushed?: (error?: Error | null) => void): boolean {
    this.got.push(bytes);
    this.unsent.push({ bytes: bytes.length, flushed });
    return false;
  }

  get writableLength(): number {
    return this.unsent.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** All that it has leaves at once, as one write does. */
  flush(error?: Error): void {
    for (const { flushed } of this.unsent.splice(0)) flushed?.(error);
  }

  get text(): string {
    return Buffer.concat(this.got).toString();
  }
}

describe('a backlog', () => {
  const letters = (from: number, n: number): Buffer =>
    Buffer.from(Array.from({ length: n }, (_, i) => 97 + ((from + i) % 26)));

  function backlogOf(sink: Sink, portionBytes?: number): { backlog: Backlog; taken: number[] } {
    const taken: number[] = [];
    const backlog = new Backlog(
      sink,
      () => sink.socket,
      (bytes) => taken.push(bytes),
      portionBytes,
    );
    return { backlog, taken };
  }

  it('gives a portion at a time, counts what has left, and keeps the order', () => {
    const sink = new Sink();
    const { backlog, taken } = backlogOf(sink, 60_000);
    for (let sent = 0; sent < 200_000; sent += 20_000) backlog.add(letters(sent, 20_000));
    expect(sink.writableLength).toBe(60_000);
    while (!backlog.empty) {
      sink.flush();
      expect(sink.writableLength).toBeLessThanOrEqual(60_000);
    }
    expect(taken).toEqual(Array<number>(10).fill(20_000));
    expect(sink.text).toBe(letters(0, 200_000).toString());
    expect(sink.corks).toHaveLength(6);
  });

  it('is empty when the last bytes are reported, and is used again', () => {
    const sink = new Sink();
    const states: boolean[] = [];
    const backlog: Backlog = new Backlog(
      sink,
      () => null,
      () => states.push(backlog.empty),
    );
    backlog.add(letters(0, 3));
    backlog.add(letters(3, 3));
    sink.flush();
    sink.flush();
    backlog.add(letters(6, 3));
    sink.flush();
    expect(states).toEqual([false, true, true]);
    expect(sink.text).toBe('abcdefghi');
  });

  it('counts nothing as taken that a broken socket has', () => {
    const sink = new Sink();
    const { backlog, taken } = backlogOf(sink);
    backlog.add(letters(0, 3));
    sink.flush(new Error('gone'));
    expect([taken, backlog.empty]).toEqual([[], false]);
  });

  it('gives a socket that lags no crumbs: they wait together', () => {
    const sink = new Sink();
    const { backlog, taken } = backlogOf(sink);
    for (let i = 0; i < 50_001; i += 1) backlog.add(letters(i, 1));
    expect(sink.got).toHaveLength(1);
    sink.flush();
    expect(sink.got.map(({ length }) => length)).toEqual([1, 16_384, 16_384, 16_384, 848]);
    expect(sink.text).toBe(letters(0, 50_001).toString());
    expect(taken).toEqual([1]);
    sink.flush();
    expect(taken.reduce((sum, bytes) => sum + bytes)).toBe(50_001);
  });

  it('is passed by while nothing waits, by what is short', () => {
    const sink = new Sink();
    expect([passesBy(sink, letters(0, 16_383)), passesBy(sink, letters(0, 16_384))]).toEqual([true, false]);
    sink.write(letters(0, 1));
    expect(passesBy(sink, letters(0, 1))).toBe(false);
  });
});
