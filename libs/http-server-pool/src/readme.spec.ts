import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { disposable } from '@berth/testing';
import { serve } from '../testing/example.js';
import { of } from '../testing/pool-lab.js';

const root = join(import.meta.dirname, '..');

describe("the README's example", () => {
  it('is the file that is compiled and run here', () => {
    const example = readFileSync(join(root, 'testing/example.ts'), 'utf8');
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(example);
  });

  it('serves three addresses', async () => {
    await using pool = disposable(
      await serve((_, response) => response.end('hello'), ['127.0.0.1:0', '[::1]:0', 'localhost:0']),
      (it) => it.stop(0),
    );
    for (const name of ['public', 'inside']) {
      expect(await (await fetch(of(pool, name).expose)).text()).toBe('hello');
    }
    const text = await (await fetch(of(pool, 'figures').expose)).text();
    expect(text).toMatch(/^public running \d+\ninside running 1\nfigures running 1\n$/);
  });
});
