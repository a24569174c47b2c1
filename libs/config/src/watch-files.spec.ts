import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposable } from '@berth/testing';
import { watchFiles, type WatchOptions } from './watch-files.js';

function lab(name: string, options: WatchOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'berth-watch-'));
  const file = join(folder, name);
  let told = 0;
  let wake = (): void => undefined;
  const begin = () =>
    watchFiles(
      [file],
      (paths) => {
        expect(paths).toEqual([file]);
        told += 1;
        wake();
      },
      { debounceMs: 30, ...options },
    );
  let watching: ReturnType<typeof begin> | undefined;
  const thing = {
    folder,
    file,
    write: (text: string) => {
      writeFileSync(file, text);
    },
    begin: () => (watching = begin()),
    told: () => told,
    next: () => new Promise<void>((resolve) => (wake = resolve)),
  };
  return disposable(thing, () => {
    watching?.close();
    rmSync(folder, { recursive: true, force: true });
  });
}

describe('watched files', () => {
  it('tells of a file that is written, and once of one that is written in pieces', async () => {
    await using all = lab('agent.yaml');
    all.write('a');
    all.begin();
    let next = all.next();
    all.write('ab');
    all.write('abc');
    all.write('abcd');
    await next;
    expect(all.told()).toBe(1);
    next = all.next();
    all.write('abcde');
    await next;
    expect(all.told()).toBe(2);
  });

  it('survives editors that rename, files that are deleted, and those that come later', async () => {
    await using all = lab('agent.yaml');
    all.begin();
    let next = all.next();
    all.write('new');
    await next;
    for (const text of ['one', 'two', 'three']) {
      next = all.next();
      writeFileSync(`${all.file}~`, text);
      renameSync(`${all.file}~`, all.file);
      await next;
    }
    next = all.next();
    rmSync(all.file);
    await next;
    next = all.next();
    all.write('again');
    await next;
    expect(all.told()).toBe(6);
  });

  it('sees a link that is turned over, as the folders of Kubernetes are', async () => {
    await using all = lab('agent.yaml');
    for (const version of ['v1', 'v2']) {
      mkdirSync(join(all.folder, version));
      writeFileSync(join(all.folder, version, 'agent.yaml'), version);
    }
    symlinkSync('v1', join(all.folder, '..data'));
    symlinkSync(join('..data', 'agent.yaml'), all.file);
    all.begin();
    const next = all.next();
    symlinkSync('v2', join(all.folder, '..new'));
    renameSync(join(all.folder, '..new'), join(all.folder, '..data'));
    await next;
  });

  it('says nothing of other files of the folder, nor of a file that stays as it is', async () => {
    await using all = lab('agent.yaml');
    all.write('a');
    all.begin();
    writeFileSync(join(all.folder, 'other'), 'x');
    const next = all.next();
    all.write('ab');
    await next;
    expect(all.told()).toBe(1);
  });

  it('is not put off by what never rests beside it', async () => {
    await using all = lab('agent.yaml', { debounceMs: 40 });
    all.begin();
    let line = 0;
    const noise = setInterval(() => {
      writeFileSync(join(all.folder, 'log'), String((line += 1)));
    }, 2);
    const next = all.next();
    all.write('a');
    await next.finally(() => {
      clearInterval(noise);
    });
  });

  it('finds a folder that comes later, and one that was replaced', async () => {
    await using all = lab(join('conf', 'agent.yaml'), { pollMs: 20 });
    const conf = join(all.folder, 'conf');
    all.begin();
    for (const text of ['one', 'another']) {
      let next = all.next();
      mkdirSync(conf);
      all.write(text);
      await next;
      next = all.next();
      rmSync(conf, { recursive: true });
      await next;
    }
  });

  it('says nothing once it is closed', async () => {
    await using all = lab('agent.yaml');
    all.write('a');
    all.begin().close();
    await using other = lab('agent.yaml');
    other.begin();
    all.write('ab');
    const next = other.next();
    other.write('x');
    await next;
    expect(all.told()).toBe(0);
  });
});
