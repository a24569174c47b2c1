import { DeadBuffers } from './dead-buffers.js';

const MiB = 1024 * 1024;

/** A process whose buffers are counted by hand; a full collection leaves those that are held. */
class Fake {
  readonly collected: string[] = [];
  held = 0;
  old = 0;
  heapUsed = 50 * MiB;
  readonly buffers = new DeadBuffers({
    collect: (type) => {
      this.collected.push(type);
      if (type === 'major') this.old = 0;
    },
    memory: () => ({ arrayBuffers: this.held + this.old, heapUsed: this.heapUsed }),
  });

  /** @param oldBytes of it that a young collection does not reach */
  pass(mib: number, oldBytes = 0): void {
    for (let i = 0; i < mib * 16; i += 1) this.buffers.count(65_536);
    this.old += oldBytes;
  }

  count(type: string): number {
    return this.collected.filter((one) => one === type).length;
  }
}

describe('DeadBuffers', () => {
  it('collects the young each 8 MiB of bulk, and nothing for small messages', () => {
    const process = new Fake();
    for (let i = 0; i < 10_000; i += 1) process.buffers.count(16_383);
    expect(process.collected).toEqual([]);
    process.pass(7);
    expect(process.collected).toEqual([]);
    process.pass(1);
    expect(process.collected).toEqual(['minor']);
    process.pass(64);
    expect(process.count('minor')).toBe(9);
    expect(process.count('major')).toBe(0);
  });

  it('collects all once what the young collections leave has come to 20 MiB', () => {
    const process = new Fake();
    process.pass(32);
    for (let i = 0; i < 19; i += 1) process.pass(32, MiB);
    process.pass(32);
    expect(process.count('major')).toBe(0);
    process.pass(32, MiB);
    process.pass(32);
    expect(process.count('major')).toBe(1);
    for (let i = 0; i < 5; i += 1) process.pass(32, MiB);
    expect(process.count('major')).toBe(1);
  });

  it('is not misled by one high count', () => {
    const process = new Fake();
    process.pass(32);
    process.held = 100 * MiB;
    process.pass(24);
    process.held = 0;
    process.pass(72);
    expect(process.count('major')).toBe(0);
  });

  it('looks ever more seldom for bytes that wait for slow readers and are no garbage', () => {
    const process = new Fake();
    process.pass(32);
    for (let i = 0; i < 400; i += 1) {
      process.held += MiB;
      process.pass(32);
    }
    expect(process.count('major')).toBeLessThan(12);
  });

  it('does not look each time bytes have come to wait again, when that found no garbage', () => {
    const process = new Fake();
    process.pass(32);
    for (let i = 0; i < 64; i += 1) {
      process.held = 40 * MiB;
      process.pass(32);
      process.held = 0;
      process.pass(32);
    }
    expect(process.count('major')).toBeLessThan(12);
    process.old = 40 * MiB;
    process.pass(128 * 32);
    expect(process.old).toBe(0);
  });

  it('leaves a large heap to V8', () => {
    const process = new Fake();
    process.heapUsed = 300 * MiB;
    process.pass(32);
    process.pass(32, 100 * MiB);
    process.pass(64);
    expect(process.count('major')).toBe(0);
    expect(process.count('minor')).toBe(16);
  });
});
