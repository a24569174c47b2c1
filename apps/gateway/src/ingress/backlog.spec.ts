import type { Socket } from 'node:net';
import { Backlog } from './backlog.js';

/** A sink that is full from `room` bytes on, as a socket is until its 'drain'. */
class Sink {
  readonly got: Buffer[] = [];
  held = 0;
  corks: string[] = [];
  readonly socket = {
    cork: () => this.corks.push('cork'),
    uncork: () => this.corks.push('uncork'),
  } as unknown as Socket;

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
    const backlog = new Backlog(sink, 10);
    sink.write(letters(0, 5));
    backlog.began(5);
    let sent = 5;
    for (; sent < 50; sent += 5) backlog.add(letters(sent, 5));
    expect(sink.held).toBe(10);
    const left: number[] = [];
    while (!backlog.empty) {
      sink.held = 0;
      left.push(backlog.drained(sink.socket));
      expect(sink.held).toBeLessThanOrEqual(10);
    }
    expect(left).toEqual([10, 10, 10, 10, 10]);
    expect(sink.text).toBe(letters(0, 50).toString());
    expect(sink.corks).toHaveLength(8);
  });

  it('waits for no drain of what the sink took without one', () => {
    const sink = new Sink(8);
    const backlog = new Backlog(sink, 10);
    backlog.began(10);
    backlog.add(letters(0, 3));
    expect(backlog.drained(sink.socket)).toBe(13);
    expect(backlog.empty).toBe(true);
  });

  it('survives a socket that is gone', () => {
    const backlog = new Backlog({ write: () => false }, 1);
    backlog.began(1);
    backlog.add(letters(0, 1));
    expect(backlog.drained(null)).toBe(1);
    expect(backlog.drained(null)).toBe(1);
    expect(backlog.empty).toBe(true);
  });
});
