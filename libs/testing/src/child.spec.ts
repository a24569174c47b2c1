import { Child } from './child.js';
import { freePortRange } from './ports.js';

const node = (script: string, keptBytes?: number): Child =>
  new Child(process.execPath, ['-e', script], { name: 'helper', ...(keptBytes !== undefined && { keptBytes }) });
const FOREVER = 'setInterval(() => undefined, 1000);';

describe('Child', () => {
  it('waits for what it prints, takes lines, and tells how it ended', async () => {
    await using child = node(
      "console.log('port 17'); process.stdin.once('data', (line) => process.exit(Number(line)))",
    );
    expect((await child.printed(/port (\d+)/))[1]).toBe('17');
    child.process.stdin?.write('3\n');
    expect(await child.exit).toBe(3);
    expect(() => child.pid).toThrow('helper does not run\nport 17');
  });

  it('keeps the end of its output only', async () => {
    await using child = node("process.stdout.write('x'.repeat(300000) + 'end'); console.error('said')", 1000);
    expect(await child.exit).toBe(0);
    expect([child.stdout.length, child.stdout.slice(-4), child.stderr]).toEqual([1000, 'xend', 'said\n']);
  });

  it('does not wait for a word of one that has ended, and shows what it said instead', async () => {
    await using child = node("console.error('no such setting'); process.exitCode = 2");
    await expect(child.printed(/ready/)).rejects.toThrow(/^helper has ended: .*ready.*\nno such setting\n$/);
  });

  it('does not wait for ever', async () => {
    await using child = node(FOREVER);
    await expect(child.printed(/ready/, 100)).rejects.toThrow('helper: /ready/ not there after 100 ms');
  });

  it('ends with the block that holds it, although it does not listen to signals or is stopped', async () => {
    let pid = 0;
    {
      await using child = node(`process.on('SIGTERM', () => undefined); console.log('ready'); ${FOREVER}`);
      await child.printed(/ready/);
      ({ pid } = child);
      child.kill('SIGSTOP');
    }
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('says so when there is no such program', async () => {
    await using child = new Child('/nowhere/program', []);
    expect(await child.exit).toBe('ENOENT');
    expect(child.output).toContain('/nowhere/program');
  });
});

describe('freePortRange', () => {
  it('gives no port out twice, asked for one by one or at once', async () => {
    const ranges = await Promise.all(Array.from({ length: 20 }, () => freePortRange(5)));
    const ports = ranges.flatMap(({ start, end }) => Array.from({ length: end - start + 1 }, (_, i) => start + i));
    expect(new Set(ports).size).toBe(100);
  });
});
