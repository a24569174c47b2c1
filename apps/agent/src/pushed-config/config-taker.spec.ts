import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '@berth/observability';
import { disposable } from '@berth/testing';
import { defaultAgentSettings, type AgentSettings } from '../agent-settings.js';
import type { runCommand } from './config-command.js';
import { ConfigTaker } from './config-taker.js';

describe('ConfigTaker', () => {
  const settings = (configPush: object): AgentSettings['configPush'] =>
    defaultAgentSettings({ target: '3000', id: 'a', configPush }).configPush;
  const push = (pushId: string, configJson = '{}'): { pushId: string; configJson: string } => ({ pushId, configJson });

  async function folder(): Promise<{ path: string; file: string } & AsyncDisposable> {
    const path = await mkdtemp(join(tmpdir(), 'pushed-'));
    return disposable({ path, file: join(path, 'rules.json') }, () => rm(path, { recursive: true }));
  }

  /** A command whose runs end when a test says so. */
  class Command {
    readonly inputs: string[] = [];
    private readonly ends: ((wrong: string | undefined) => void)[] = [];
    readonly run: typeof runCommand = (_command, input) => {
      this.inputs.push(input);
      return new Promise((resolve) => this.ends.push(resolve));
    };
    readonly taker = new ConfigTaker(settings({ command: ['x'] }), silentLog, this.run);

    async end(wrong?: string): Promise<void> {
      await turns();
      this.ends.shift()?.(wrong);
      await turns();
    }
  }
  const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('writes a file of its own in place of the one before', async () => {
    await using place = await folder();
    await writeFile(place.file, 'old', { mode: 0o644 });
    const taker = new ConfigTaker(settings({ file: place.file }), silentLog);
    expect(await taker.take(push('1', '{"big":12345678901234567890}'))).toEqual({
      pushId: '1',
      accepted: true,
      error: '',
    });
    expect(await readFile(place.file, 'utf8')).toBe('{"big":12345678901234567890}');
    expect((await stat(place.file)).mode & 0o777).toBe(0o600);
    expect(await readdir(place.path)).toEqual(['rules.json']);
  });

  it('says why the file cannot be written, and leaves nothing behind', async () => {
    await using place = await folder();
    const gone = new ConfigTaker(settings({ file: join(place.path, 'no', 'rules.json') }), silentLog);
    const refusal = { accepted: false, error: expect.stringContaining('ENOENT') };
    expect(await gone.take(push('1'))).toMatchObject(refusal);
    const taken = new ConfigTaker(settings({ file: place.path }), silentLog);
    expect(await taken.take(push('2'))).toMatchObject({ accepted: false });
    expect(await readdir(place.path)).toEqual([]);
  });

  it('writes the file first, so that the command finds it', async () => {
    await using place = await folder();
    const both = settings({ file: place.file, command: ['sh', '-c', `test "$(cat)" = "$(cat '${place.file}')"`] });
    expect(await new ConfigTaker(both, silentLog).take(push('1', '{"a":1}'))).toMatchObject({ accepted: true });
  });

  it('passes on what the command says', async () => {
    const command = new Command();
    const ack = command.taker.take(push('1'));
    await command.end('ended with exit code 3: no rule 7');
    expect(await ack).toEqual({
      pushId: '1',
      accepted: false,
      error: 'the command ended with exit code 3: no rule 7',
    });
  });

  it('applies one after the other, in the order in which they came', async () => {
    const command = new Command();
    const acks = ['1', '2', '3'].map((id) => command.taker.take(push(id, `[${id}]`)));
    await turns();
    expect(command.inputs).toEqual(['[1]']);
    await command.end('failed');
    expect(command.inputs).toEqual(['[1]', '[2]']);
    await command.end();
    await command.end();
    expect((await Promise.all(acks)).map(({ accepted }) => accepted)).toEqual([false, true, true]);
    expect(command.inputs).toEqual(['[1]', '[2]', '[3]']);
  });

  it('one that comes again is answered as before, and not applied again', async () => {
    const command = new Command();
    const first = command.taker.take(push('1'));
    const again = command.taker.take(push('1'));
    await command.end();
    const later = command.taker.take(push('1'));
    for (const ack of [first, again, later]) expect(await ack).toMatchObject({ pushId: '1', accepted: true });
    expect(command.inputs).toHaveLength(1);
  });

  it('refuses what is no JSON, and what comes while many wait', async () => {
    const command = new Command();
    expect(await command.taker.take(push('0', '{'))).toMatchObject({ accepted: false, error: 'it is no JSON' });
    const acks = Array.from({ length: 17 }, (_, i) => command.taker.take(push(`id ${i}`)));
    expect(await acks[16]).toMatchObject({ accepted: false, error: expect.stringContaining('16') });
    for (let i = 0; i < 16; i += 1) await command.end();
    expect((await Promise.all(acks)).filter(({ accepted }) => accepted)).toHaveLength(16);
    expect(command.inputs).toHaveLength(16);
  });

  it('a fault of the command itself is an answer too', async () => {
    const failing = new ConfigTaker(settings({ command: ['x'] }), silentLog, () =>
      Promise.reject(new Error('out of memory')),
    );
    expect(await failing.take(push('1'))).toMatchObject({ accepted: false, error: expect.stringContaining('memory') });
  });

  it('when the agent ends, what waits is refused', async () => {
    const command = new Command();
    const [running, waiting] = [command.taker.take(push('1')), command.taker.take(push('2'))];
    await turns();
    command.taker.stop();
    await command.end('was ended, because the agent is shutting down');
    expect(await running).toMatchObject({ accepted: false });
    expect(await waiting).toMatchObject({ accepted: false, error: 'the agent is shutting down' });
    expect(command.inputs).toHaveLength(1);
  });
});
