import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AgentPool } from './index.js';
import { run, Worker } from '../testing/example.js';

const root = join(import.meta.dirname, '..');

describe("the README's example", () => {
  it('is the file that is compiled and run here', () => {
    const example = readFileSync(join(root, 'testing/example.ts'), 'utf8');
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(example);
  });

  it('spreads jobs, and passes over a worker that fails', async () => {
    const changes: string[] = [];
    const pool = new AgentPool<Worker>('workers', {
      onHealth: ({ connection }, { to, reason }) => changes.push(`${connection.id} ${to} ${reason}`.trim()),
    });
    pool.add(new Worker('good', { instanceId: '1' }, (job) => Promise.resolve(`done: ${job}`)));
    expect(await run(pool, 'a')).toBe('done: a');
    pool.add(new Worker('bad', { instanceId: '1' }, () => Promise.reject(new Error('broken'))));
    const results = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => run(pool, String(i))));
    expect(results.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(3);
    expect(changes).toEqual([
      'good healthy',
      'bad healthy',
      'bad degraded 2 failures in a row',
      'bad unhealthy 3 failures in a row',
    ]);
    expect(await Promise.all(['x', 'y', 'z'].map((job) => run(pool, job)))).toEqual(['done: x', 'done: y', 'done: z']);
  });
});
