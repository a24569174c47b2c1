import { giveBuffer, takeBuffer } from './spare-buffers.js';

describe('memory of messages', () => {
  it('is used again once it was given back, with any length that it has room for', () => {
    const first = takeBuffer(65_536);
    const second = takeBuffer(65_536);
    expect(second.buffer).not.toBe(first.buffer);
    giveBuffer(first);
    const third = takeBuffer(20_000);
    expect([third.buffer === first.buffer, third.length]).toEqual([true, 20_000]);
  });

  it('is not taken from others: short messages, longer ones, and what came from elsewhere', () => {
    for (const bytes of [takeBuffer(100), takeBuffer(100_000), Buffer.allocUnsafe(65_536), Buffer.alloc(0)]) {
      giveBuffer(bytes);
      expect(takeBuffer(65_536).buffer).not.toBe(bytes.buffer);
    }
  });

  it('does not pile up: what is given back beyond 2 MiB goes', () => {
    const all = Array.from({ length: 100 }, () => takeBuffer(65_536));
    const memory = new Set(all.map(({ buffer }) => buffer));
    all.forEach(giveBuffer);
    const again = Array.from({ length: 100 }, () => takeBuffer(65_536));
    expect(again.filter(({ buffer }) => memory.has(buffer))).toHaveLength(32);
  });
});
