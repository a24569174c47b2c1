import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposable } from '@berth/testing';
import { readFigures } from './figures-file.js';

describe('readFigures', () => {
  async function fileWith(text: string): Promise<{ path: string } & AsyncDisposable> {
    const folder = await mkdtemp(join(tmpdir(), 'figures-'));
    const path = join(folder, 'figures.json');
    await writeFile(path, text);
    return disposable({ path }, () => rm(folder, { recursive: true }));
  }

  it('takes gauges, counters and histograms', async () => {
    const all = {
      gauges: { 'queue_length{queue="mail"}': -0.5 },
      counters: { mails: 17 },
      histograms: { wait_seconds: { bounds: [0.1, 1], counts: [3, 2, 1], sum: 4.5 } },
    };
    await using file = await fileWith(JSON.stringify(all));
    expect(await readFigures(file.path)).toEqual(all);
  });

  it('takes a part of them', async () => {
    await using file = await fileWith('{"gauges":{"a":1}}');
    expect(await readFigures(file.path)).toEqual({ gauges: { a: 1 }, counters: {}, histograms: {} });
  });

  it.each([
    ['', /JSON/],
    ['[]', /no JSON object/],
    ['{"gauge":{}}', /"gauge"/],
    ['{"gauges":[1]}', /gauges is no JSON object/],
    ['{"gauges":{"a":"1"}}', /gauges: the value of "a"/],
    ['{"counters":{"a":-1}}', /counters: the value of "a"/],
    ['{"counters":{"a":1.5}}', /counters: the value of "a"/],
    ['{"histograms":{"a":{"bounds":[1],"counts":[1],"sum":1}}}', /histograms: the value of "a"/],
    ['{"histograms":{"a":{"bounds":[1],"counts":[1,-1],"sum":1}}}', /histograms: the value of "a"/],
    ['{"histograms":{"a":{"bounds":[1],"counts":[1,1]}}}', /histograms: the value of "a"/],
    [`{"gauges":{"${'x'.repeat(513)}":1}}`, /more than 512 characters/],
    [
      JSON.stringify({
        histograms: { a: { bounds: new Array(1000).fill(1), counts: new Array(1001).fill(1), sum: 1 } },
      }),
      /histograms: the value of "a"/,
    ],
    [`{"gauges":{"${'x'.repeat(262_144)}":1}}`, /larger than/],
  ])('refuses %.50s', async (text, message) => {
    await using file = await fileWith(text);
    await expect(readFigures(file.path)).rejects.toThrow(message);
  });

  it('says so when there is none', async () => {
    await expect(readFigures('/no/such/file')).rejects.toThrow('ENOENT');
  });
});
