import { Backlog, type Corkable } from './backlog.js';

/** A sink that is full from `room` bytes on, as a socket is until its 'drain'. */
class Sink {
  readonly got: Buffer[] = [];
  held = 0;
  corks: string[] = [];
  readonly socket = {
    cork: () => this.corks.push('cork'),
    uncork: () => this.corks.push('uncork'),
  } as Corkable;

  constructor(private readonly room: number) {}

  write(bytes: Buffer): boolean {
    this.got.push(bytes);
    this.held += bytes.length;
    return this.held < this.room;
  }

  get text(): string {
    return Buffer.concat(this.got).toString();
  }
}

describe('a backlog', () => {
  const letters = (from: number, n: number): Buffer =>
    Buffer.from(Array.from({ length: n }, (_, i) => 97 + ((from + i) % 26)));

  it('gives a portion at a time, counts what has left, and keeps the order', () => {
    const sink = new Sink(4);
    const backlog = new Backlog(sink, 60_000);
    sink.write(letters(0, 20_000));
    backlog.began(20_000);
    for (let sent = 20_000; sent < 200_000; sent += 20_000) backlog.add(letters(sent, 20_000));
    expect(sink.held).toBe(60_000);
    const left: number[] = [];
    while (!backlog.empty) {
      sink.held = 0;
      left.push(backlog.drained(sink.socket));
      expect(sink.held).toBeLessThanOrEqual(60_000);
    }
    expect(left).toEqual([60_000, 60_000, 60_000, 20_000]);
    expect(sink.text).toBe(letters(0, 200_000).toString());
    expect(sink.corks).toHaveLength(6);
  });

  it('waits for no drain of what the sink took without one', () => {
    const sink = new Sink(8);
    const backlog = new Backlog(sink, 10, 1);
    backlog.began(10);
    backlog.add(letters(0, 3));
    expect(backlog.drained(sink.socket)).toBe(13);
    expect(backlog.empty).toBe(true);
  });

  it('survives a socket that is gone', () => {
    const backlog = new Backlog({ write: () => false }, 1, 1);
    backlog.began(1);
    backlog.add(letters(0, 1));
    expect(backlog.drained(null)).toBe(1);
    expect(backlog.drained(null)).toBe(1);
    expect(backlog.empty).toBe(true);
  });

  it('gives a socket that lags no crumbs: they wait together', () => {
    const sink = new Sink(16_384);
    const backlog = new Backlog(sink);
    backlog.began(20_000);
    for (let i = 0; i < 50_000; i += 1) backlog.add(letters(i, 1));
    expect(sink.got).toHaveLength(0);
    expect(backlog.drained(sink.socket)).toBe(20_000);
    expect(sink.got.map(({ length }) => length)).toEqual([16_384, 16_384, 16_384, 848]);
    expect(sink.text).toBe(letters(0, 50_000).toString());
    expect(backlog.drained(sink.socket)).toBe(50_000);
  });
});
