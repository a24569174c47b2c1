import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isErrorCode } from '@berth/errors';
import { client, InvocationStatus } from 'berth-services';
import { tableRows } from '@berth/testing/system';
import { BUS_DEFAULTS, carriedBusTimes } from '../../libs/services/src/bus/bus-options.js';
import { wholeNumbers } from '../../libs/services/src/numbers.js';
import { MEMORY_STORE_DEFAULTS } from '../../libs/services/src/objects/memory-store.js';
import { NATS_STORE_DEFAULTS } from '../../libs/services/src/objects/nats/options.js';
import { REDIS_STORE_DEFAULTS } from '../../libs/services/src/objects/redis-store.js';
import { statusOf } from '../../libs/services/src/invocation/replies.js';
import { resolveOptions } from '../../libs/services/src/runtime/services-options.js';
import { serverSettings } from '../../libs/services/src/server/server-options.js';
import { Counter } from './counter.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const text = readFileSync(`${root}docs/services.md`, 'utf8');

/** As the tables write it. */
const shown = (value: unknown): string => (typeof value === 'number' ? value.toLocaleString('en-US') : String(value));

/** Code without what its place in a file changes: spaces, line breaks, comments, and the commas that formatting adds. */
function bare(code: string): string {
  return code
    .replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|\s)\/\/ .*$/gm, '')
    .replaceAll(/\s+/g, '')
    .replaceAll(/,(?=[)}\]])/g, '');
}

describe('docs/services.md', () => {
  it('shows code that is tested: each block is in an example or in the specs beside them', () => {
    const files = globSync('examples/services{,-nest}/*.ts', { cwd: root });
    const sources = files.map((file) => bare(readFileSync(root + file, 'utf8')));
    // What names its file is the first page, which test/packages.spec.ts compiles and runs.
    const blocks = [...text.matchAll(/```ts\n(?!\/\/ src\/)([\s\S]*?)```/g)].map(([, code = '']) => code);
    expect(blocks.length).toBeGreaterThan(10);
    const unknown = blocks.filter((code) => !sources.some((source) => source.includes(bare(code))));
    expect(unknown).toEqual([]);
  });

  it('shows a client that trusts a certificate: the file is read when the client is made', () => {
    const made = (): unknown => {
      const counters = client(Counter, { address: 'localhost:8100', grpc: { tls: { caFile: 'cert.pem' } } });
      return counters;
    };
    expect(made).toThrow('cert.pem');
  });

  it('names the defaults of the function server', () => {
    const settings: object = serverSettings({});
    const documented = Object.fromEntries(
      tableRows('docs/services.md', 'option of the server').map(([name = '', value]) => [name, value]),
    );
    const actual = Object.entries(settings).filter(([name]) => name !== 'tls');
    expect(documented).toEqual(Object.fromEntries(actual.map(([name, value]) => [name, shown(value)])));
  });

  it('names the defaults of the runtime', () => {
    const limits = Object.entries(resolveOptions({})).filter(([, value]) => typeof value === 'number');
    const documented = Object.fromEntries(
      tableRows('docs/services.md', 'option of Services').map(([name = '', value]) => [name, value]),
    );
    expect(documented).toEqual(Object.fromEntries(limits.map(([name, value]) => [name, shown(value)])));
  });

  it('names the defaults of both buses', () => {
    const both = [BUS_DEFAULTS, { ...BUS_DEFAULTS, ...carriedBusTimes({}) }];
    const texts = ['servers', 'connection', 'client', 'prefix', 'deadLetters', 'log'];
    const rows = tableRows('docs/services.md', 'option of the bus').filter(([name = '']) => !texts.includes(name));
    expect(rows.map(([name]) => name).toSorted()).toEqual([...new Set(both.flatMap(Object.keys))].toSorted());
    for (const [name = '', ...cells] of rows) {
      const actual = both.map((limits: object) => (limits as Record<string, unknown>)[name]);
      expect([name, ...cells.slice(0, 2)]).toEqual([
        name,
        ...actual.map((value) => (value === undefined ? '' : shown(value))),
      ]);
    }
  });

  it('names the defaults of the stores', () => {
    const all = { Memory: MEMORY_STORE_DEFAULTS, Nats: NATS_STORE_DEFAULTS, Redis: REDIS_STORE_DEFAULTS };
    for (const [store = '', , options = ''] of tableRows('docs/services.md', 'store')) {
      const [, defaults = {}] = Object.entries(all).find(([name]) => store.includes(name)) ?? [];
      expect(Object.keys(defaults).length).toBeGreaterThan(3);
      for (const [name, value] of Object.entries(wholeNumbers({}, defaults)))
        expect(options).toContain(`${name} ${name === 'deletionKnownMs' ? 'a week' : shown(value)}`);
    }
    expect(REDIS_STORE_DEFAULTS.deletionKnownMs).toBe(7 * 24 * 3_600_000);
  });

  it('gives each code of a reply the status that it has on the wire (B13)', () => {
    const names = Object.entries(InvocationStatus);
    const rows = tableRows('docs/services.md', 'code');
    expect(rows.length).toBeGreaterThan(10);
    for (const [code = '', status] of rows) {
      if (!isErrorCode(code)) throw new Error(`${code} is no error code`);
      expect([code, status]).toEqual([code, names.find(([, value]) => value === statusOf(code))?.[0]]);
    }
  });
});
