import { collectGarbage, eventually } from '@berth/testing';
import { sampleLetter } from '../../testing/sample-letter.js';
import { deadLetterLimits } from './dead-letter.js';
import { MemoryDeadLetters } from './memory-letters.js';

const MIB = 1024 * 1024;

it('small dead letters in memory hold their own bytes, and nothing that was made beside them', async () => {
  const letters = new MemoryDeadLetters(deadLetterLimits());
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 1000; i += 1) {
    // Of small buffers Node makes many in one piece, which is held as long as one of them is.
    for (let kib = 0; kib < 64; kib += 1) Buffer.allocUnsafe(1024);
    await letters.add(sampleLetter());
  }
  // What is collected is given back beside that.
  await eventually(() => {
    collectGarbage();
    return process.memoryUsage().arrayBuffers - before < 8 * MIB;
  });
  expect(await letters.list('shop.Counter', 0, Infinity)).toHaveLength(1000);
});
