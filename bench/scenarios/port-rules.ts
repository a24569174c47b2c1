import { kindTable, measureKinds, ofKind } from '../lib/kinds.js';
import type { Context, Result, Scenario } from '../lib/scenario.js';

const CONNECTIONS = 32;

/**
 * All rules that can stand together and let small GETs of this machine through. Not there: those that answer
 * themselves (maintenance, CORS preflights), the outside check, which is another request, and compression and
 * bandwidth, which cost by the byte.
 */
const RULES = {
  access: {
    allow: ['127.0.0.0/8', '10.0.0.0/8'],
    deny: ['192.0.2.0/24'],
    trustedProxies: ['10.0.0.0/8'],
    readOnly: true,
  },
  limits: { maxBodyBytes: 1_000_000, maxExchanges: 10_000, maxExchangesPerClient: 10_000 },
  rate: { requestsPerSecond: 1_000_000, burst: 1_000_000 },
  cors: { origins: ['https://app.example'] },
  headers: {
    request: { remove: ['X-Internal'], set: { 'X-Env': 'bench' } },
    response: { set: { 'X-Served-By': 'bench' } },
    security: true,
  },
};

const KINDS = ['none', 'one rule', 'all rules'] as const;
type Kind = (typeof KINDS)[number];

const POLICIES: Readonly<Record<Kind, object>> = {
  none: {},
  'one rule': { access: { deny: ['192.0.2.0/24'] } },
  'all rules': RULES,
};

async function run(context: Context): Promise<Result> {
  const [rounds, seconds] = context.quick ? [1, 2] : [5, 5];
  const points = await measureKinds(context, {
    kinds: KINDS,
    connections: CONNECTIONS,
    rounds,
    seconds,
    set: (kind, admin) => setPolicy(admin, POLICIES[kind]),
  });
  console.log(`\n${kindTable('rules of the port', KINDS, points)}\n`);
  const ratio = (kind: Kind): number =>
    ofKind(points, kind, 'cpuMicrosPerRequest') / ofKind(points, 'none', 'cpuMicrosPerRequest');
  return {
    figures: [
      {
        name: 'small GET, all rules of a port: CPU of both ends',
        value: ratio('all rules'),
        unit: '× none',
        goal: { atMost: 1.1 },
      },
      { name: 'small GET, one rule of a port: CPU of both ends', value: ratio('one rule'), unit: '× none' },
      {
        name: 'small GET, rules of a port: failed requests',
        value: points.reduce((sum, point) => sum + point.failures, 0),
        unit: '',
        goal: { atMost: 0 },
      },
    ],
    raw: { rounds, seconds, connections: CONNECTIONS, rules: RULES, points },
  };
}

async function setPolicy(admin: number, rules: object): Promise<void> {
  const groups = ['access', 'limits', 'rate', 'cors', 'headers'];
  const reset = Object.fromEntries(groups.map((group) => [group, null]));
  for (const body of [reset, rules]) {
    const response = await fetch(`http://127.0.0.1:${admin}/agents/bench/policy`, {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`the policy was refused: ${await response.text()}`);
  }
}

export const portRules: Scenario = {
  name: 'port-rules',
  about: 'small GET at a port without rules, with one, and with all that are not paid by the byte',
  limitMs: 5 * 60_000,
  run,
};
