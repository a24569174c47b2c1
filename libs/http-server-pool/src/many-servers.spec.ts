import { readdirSync } from 'node:fs';
import { labPool } from '../testing/pool-lab.js';

describe('a thousand servers', () => {
  it('D5, D10: start, answer and stop together, and leave no descriptor behind', async () => {
    await using pool = labPool(...Array.from({ length: 1000 }, (_, i) => ({ name: `server ${i}` })));
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    await pool.start();
    expect(open()).toBeGreaterThanOrEqual(before + 1000);
    expect((await pool.assertHealthy()).filter(({ state }) => state === 'running')).toHaveLength(1000);
    await pool.stop();
    expect(pool.isRunning).toBe(false);
    expect(open()).toBeLessThanOrEqual(before + 5);
  });
});
