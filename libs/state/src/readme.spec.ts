import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { count, openState } from '../testing/example.js';
import { TempFolder } from '../testing/temp-folder.js';

const root = join(import.meta.dirname, '..');

describe("the README's example", () => {
  it('is the file that is compiled and run here', () => {
    const example = readFileSync(join(root, 'testing/example.ts'), 'utf8');
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(example);
  });

  it('counts on, though several count at once, and in a file from one opening to the next', async () => {
    using folder = new TempFolder();
    await using memory = await openState('');
    expect((await Promise.all([1, 2, 3].map(() => count(memory, 'visits')))).sort()).toEqual([1, 2, 3]);
    const file = folder.file('state.db');
    const first = await openState(file);
    await count(first, 'visits');
    await first.close();
    await using second = await openState(file);
    expect(await count(second, 'visits')).toBe(2);
  });
});
