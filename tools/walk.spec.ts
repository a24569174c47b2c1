import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { jumpsBack, missing, walkPage } from './walk.ts';

const read = (file: string): string => readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8');

describe('the walk of a small GET', () => {
  it('names functions that are in their files', () => {
    expect(missing(read)).toEqual([]);
    expect(missing(() => '')).not.toEqual([]);
  });

  it('stands in docs/data-path.md as it is', () => {
    const { is, should } = walkPage();
    // Out of date? node tools/walk.ts --write
    expect(is).toBe(should);
    expect(is).toContain('jumps back');
  });

  it('counts each return to a file that was left', () => {
    expect(jumpsBack(['there and back', [['a'], ['b'], ['a'], ['c'], ['b']]])).toBe(2);
    expect(jumpsBack(['straight on', [['a'], ['b'], ['c']]])).toBe(0);
  });
});
