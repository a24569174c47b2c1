import { join } from 'node:path';
import { kindTable, measureKinds, ratioOf } from '../lib/kinds.js';
import { reload, writeSettings } from '../lib/settings.js';
import type { Context, Result, Scenario } from '../lib/scenario.js';

const CONNECTIONS = 32;

const KINDS = ['off', 'json', 'combined'] as const;
type Kind = (typeof KINDS)[number];

async function run(context: Context): Promise<Result> {
  const [rounds, seconds] = context.quick ? [1, 2] : [7, 5];
  const points = await measureKinds(context, {
    kinds: KINDS,
    connections: CONNECTIONS,
    rounds,
    seconds,
    set: (kind, admin) => setLog(context.directory, admin, kind),
  });
  console.log(`\n${kindTable('access log', KINDS, points)}\n`);
  return {
    figures: [
      {
        name: 'small GET, access log of all requests as JSON in a file: CPU of both ends',
        value: ratioOf(points, 'json', 'off'),
        unit: '× off',
        goal: { atMost: 1.1 },
      },
      {
        name: 'small GET, the same as combined: CPU of both ends',
        value: ratioOf(points, 'combined', 'off'),
        unit: '× off',
      },
      {
        name: 'small GET, access log: failed requests',
        value: points.reduce((sum, point) => sum + point.failures, 0),
        unit: '',
        goal: { atMost: 0 },
      },
    ],
    raw: { rounds, seconds, connections: CONNECTIONS, points },
  };
}

async function setLog(directory: string, admin: number, kind: Kind): Promise<void> {
  const accessLog =
    kind === 'off' ? { mode: 'off' } : { mode: 'all', format: kind, file: join(directory, `${kind}.log`) };
  await writeSettings(directory, { accessLog });
  await reload(admin);
}

export const accessLog: Scenario = {
  name: 'access-log',
  about: 'small GET without an access log, and with one of all requests in a file',
  limitMs: 6 * 60_000,
  run,
};
