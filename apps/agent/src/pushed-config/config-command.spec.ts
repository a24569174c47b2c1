import { readFile } from 'node:fs/promises';
import { eventually } from '@berth/testing';
import { runCommand } from './config-command.js';

describe('runCommand', () => {
  const never = new AbortController().signal;
  const run = (script: string, input = '{}', timeoutMs = 10_000, signal = never): Promise<string | undefined> =>
    runCommand(['sh', '-c', script], input, timeoutMs, signal);

  it('gives the text on standard input, and exit code 0 is a yes', async () => {
    expect(await run(`test "$(cat)" = '{"a":1}'`, '{"a":1}')).toBeUndefined();
  });

  it('takes a command that reads nothing, and ends first', async () => {
    expect(await run('exit 0', 'x'.repeat(1_000_000))).toBeUndefined();
  });

  it('is told by exit code and last line', async () => {
    expect(await run('echo out; echo first >&2; echo "no rule 7" >&2; exit 3')).toBe(
      'ended with exit code 3: no rule 7',
    );
    expect(await run('exit 1')).toBe('ended with exit code 1');
    expect(await run('kill -9 $$')).toBe('was ended by SIGKILL');
  });

  it('keeps the end of what it says, however much that is', async () => {
    expect(await run('yes error | head -c 600000 >&2; echo last >&2; exit 1')).toBe('ended with exit code 1: last');
    expect((await run('head -c 1000000 /dev/zero >&2; exit 1'))?.length).toBeLessThan(4200);
  });

  it('says so when there is no such program', async () => {
    expect(await runCommand(['/no/such/program'], '{}', 1000, never)).toBe('cannot be run: ENOENT');
    expect(await runCommand(['/'], '{}', 1000, never)).toBe('cannot be run: EACCES');
  });

  it('no shell reads it', async () => {
    expect(await runCommand(['test', '$HOME', '=', '$HOME'], '{}', 10_000, never)).toBeUndefined();
  });

  /** The state of a process; undefined when it has ended. */
  async function stateOf(pid: number): Promise<string | undefined> {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
    const state = stat?.replace(/^.*\) /, '').charAt(0);
    return state === 'Z' ? undefined : state;
  }

  it('is killed when it takes too long, with what it started', async () => {
    const wrong = await run('sleep 600 & echo $! >&2; wait', '{}', 500);
    expect(wrong).toMatch(/^did not end within 500 ms \(configPush\.timeoutMs\): \d+$/);
    const pid = Number(/\d+$/.exec(wrong ?? '')?.[0]);
    await eventually(async () => (await stateOf(pid)) === undefined);
  });

  it('is killed when the agent ends', async () => {
    const ending = new AbortController();
    const running = run('sleep 600', '{}', 600_000, ending.signal);
    ending.abort();
    expect(await running).toBe('was ended, because the agent is shutting down');
  });

  it('does not wait for a service that it has started', async () => {
    const began = performance.now();
    expect(await run('sleep 5 & exit 0')).toBeUndefined();
    expect(await run('sleep 5 & echo no >&2; exit 1')).toBe('ended with exit code 1: no');
    expect(performance.now() - began).toBeLessThan(4000);
  });
});
