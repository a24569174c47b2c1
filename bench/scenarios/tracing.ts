import { createServer } from 'node:http';
import { listening } from '@berth/testing';
import { type Berth, gatewayPorts, startAgent, startGateway } from '../lib/berth.js';
import { kindTable, measureFresh, ratioOf } from '../lib/kinds.js';
import { compiled } from '../lib/repository.js';
import type { Context, Result, Scenario } from '../lib/scenario.js';

const CONNECTIONS = 32;

const KINDS = ['left out', 'off', '1 %', '100 %'] as const;
type Kind = (typeof KINDS)[number];

const SAMPLES: Readonly<Record<Kind, string | undefined>> = {
  'left out': undefined,
  off: undefined,
  '1 %': '0.01',
  '100 %': '1',
};

async function run(context: Context): Promise<Result> {
  const [rounds, seconds] = context.quick ? [1, 2] : [7, 5];
  let spans = 0;
  // Takes all, and is no part of what is measured.
  await using collector = await listening(
    createServer((request, response) => {
      spans += 1;
      request.resume().on('end', () => response.end());
    }),
  );
  const points = await measureFresh(context, {
    kinds: KINDS,
    connections: CONNECTIONS,
    rounds,
    seconds,
    start: (kind, origin) => startKind(context, kind, origin, collector.port),
  });
  console.log(`\n${kindTable('traces', KINDS, points)}\n`);
  if (spans === 0) throw new Error('no spans reached the collector');
  return {
    figures: [
      {
        name: 'small GET, no traces configured: CPU of both ends',
        value: ratioOf(points, 'off', 'left out'),
        unit: '× code left out',
        goal: { atMost: 1.03 },
      },
      {
        name: 'small GET, traces of 1 % of the requests: CPU of both ends',
        value: ratioOf(points, '1 %', 'left out'),
        unit: '× code left out',
      },
      {
        name: 'small GET, traces of all requests: CPU of both ends',
        value: ratioOf(points, '100 %', 'left out'),
        unit: '× code left out',
      },
      {
        name: 'small GET, traces: failed requests',
        value: points.reduce((sum, point) => sum + point.failures, 0),
        unit: '',
        goal: { atMost: 0 },
      },
    ],
    raw: { rounds, seconds, connections: CONNECTIONS, points },
  };
}

async function startKind(
  { processes, directory: cwd }: Context,
  kind: Kind,
  target: number,
  collector: number,
): Promise<Berth> {
  const nodeFlags = kind === 'left out' ? ['--import', compiled('bench/dist/programs/without-tracing.js')] : [];
  const sample = SAMPLES[kind];
  const endpoint = `http://127.0.0.1:${collector}`;
  const bound = '1000000';
  const settings =
    sample === undefined
      ? {}
      : { 'tracing-endpoint': endpoint, 'tracing-sample': sample, 'tracing-max-per-second': bound };
  const flags = sample === undefined ? [] : ['--tracing-endpoint', endpoint, '--tracing-max-per-second', bound];
  const ports = await gatewayPorts();
  const gateway = await startGateway(processes, cwd, ports, nodeFlags, settings);
  const options = { cwd, httpPort: ports.http, dial: ports.grpc, target, nodeFlags, flags };
  return { gateway, ports, ...(await startAgent(processes, options)) };
}

export const tracing: Scenario = {
  name: 'tracing',
  about: 'small GET without traces, with the code of traces left out, and with traces of 1 % and of all',
  limitMs: 8 * 60_000,
  run,
};
