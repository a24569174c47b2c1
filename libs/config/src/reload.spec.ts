import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sourceOf } from './load.js';
import type { Program } from './program.js';
import { changedPaths, Reloader } from './reload.js';
import { Group, Integer, Switch, Text, Texts } from './setting.js';

class Inner {
  @Integer(0, 100, { description: 'lowest', live: true })
  min = 1;

  @Integer(0, 100, { description: 'highest' })
  max = 10;
}

class Settings {
  @Text({ description: 'who', live: true })
  name = 'a';

  @Texts({ description: 'more', live: true })
  more: Record<string, string> = {};

  @Switch({ description: 'fixed' })
  fixed = false;

  @Group('Inner')
  inner = new Inner();
}

const PROGRAM: Program<Settings> = {
  name: 'sample',
  version: '0',
  summary: 'a sample',
  title: 'Sample',
  defaults: () => new Settings(),
  envPrefix: 'SAMPLE_',
  fileName: 'sample.yaml',
  fileEnv: 'SAMPLE_CONFIG_FILE',
  prepare: () => undefined,
  check: ({ inner }, report) => {
    if (inner.max < inner.min) report('inner.max', `must not be below inner.min, ${inner.min}`, 'inner.min');
  },
};

const source = sourceOf(PROGRAM);

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'berth-reload-'));
});
afterEach(() => {
  rmSync(cwd, { recursive: true });
});

const write = (text: string): void => {
  writeFileSync(join(cwd, 'sample.yaml'), text);
};

function begin(argv: string[] = []) {
  const load = () => source.load({ argv, env: {}, cwd });
  const loaded = load();
  if (loaded.kind !== 'settings') throw new Error(loaded.output);
  return new Reloader(PROGRAM, loaded.settings, load);
}

describe('settings that are looked up again', () => {
  it('take new values where they can, and name what waits for a restart', () => {
    write('name: a\nfixed: false\n');
    const reloader = begin();
    write('name: b\nmore: { x: y }\nfixed: true\ninner: { max: 20 }\n');
    const first = reloader.reload();
    expect(first).toMatchObject({
      kind: 'reloaded',
      settings: { name: 'b', more: { x: 'y' }, fixed: false, inner: { min: 1, max: 10 } },
      changed: ['name', 'more'],
      needRestart: ['fixed', 'inner.max'],
    });
    expect(Object.isFrozen(reloader.settings.more)).toBe(true);
    // Said again for as long as it is so; nothing changes a second time.
    expect(reloader.reload()).toMatchObject({ changed: [], needRestart: ['fixed', 'inner.max'] });
    write('name: b\n');
    expect(reloader.reload()).toMatchObject({ changed: ['more'], needRestart: [], settings: { more: {} } });
  });

  it('stay as they are when the file is wrong, and the place is said', () => {
    write('name: a\n');
    const reloader = begin();
    write('name: b\ninner:\n  min: many\n');
    expect(reloader.reload()).toEqual({
      kind: 'refused',
      problems: 'inner.min: must be a whole number from 0 to 100 (got "many", from sample.yaml:3)',
    });
    write('name: [b\n');
    expect(reloader.reload()).toMatchObject({ problems: expect.stringContaining('sample.yaml:2:1: ') as string });
    expect(reloader.settings.name).toBe('a');
    rmSync(join(cwd, 'sample.yaml'));
    expect(reloader.reload()).toMatchObject({ kind: 'reloaded', changed: [] });
  });

  it('refuse what would only fit after a restart', () => {
    const reloader = begin();
    write('inner: { min: 15, max: 20 }\n');
    expect(reloader.reload()).toEqual({
      kind: 'refused',
      problems:
        'inner.max: must not be below inner.min, 15 (a restart would take all of it: inner.max cannot change before)',
    });
    expect(reloader.settings.inner.min).toBe(1);
  });

  it('still stand behind flags', () => {
    const reloader = begin(['--name', 'flag']);
    write('name: file\n');
    expect(reloader.reload()).toMatchObject({ changed: [], settings: { name: 'flag' } });
  });

  it('are compared by their paths', () => {
    const before = source.withDefaults({ more: { a: '1', b: '2' } });
    expect(changedPaths(PROGRAM, before, source.withDefaults({ more: { b: '2', a: '1' } }))).toEqual([]);
    expect(changedPaths(PROGRAM, before, source.withDefaults({ inner: { min: 2 } }))).toEqual(['more', 'inner.min']);
  });

  it('come from the file that is named first', () => {
    expect(source.fileOf({ argv: ['--config', 'x.yaml'], env: { SAMPLE_CONFIG_FILE: 'y' }, cwd })).toBe(
      join(cwd, 'x.yaml'),
    );
    expect(source.fileOf({ argv: [], env: { SAMPLE_CONFIG_FILE: '/etc/y' }, cwd })).toBe('/etc/y');
    expect(source.fileOf({ argv: [], env: {}, cwd })).toBe(join(cwd, 'sample.yaml'));
  });
});
