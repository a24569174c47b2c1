import { checksum } from '../lib/pattern.js';
import { megabytesPerSecond, median, MiB, short } from '../lib/numbers.js';
import type { Processes } from '../lib/processes.js';
import { compiled } from '../lib/repository.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import { table } from '../lib/table.js';
import { cpuOf, type PathName, startTcpPaths, type TcpPath } from './tcp-paths.js';

const CONNECTIONS = [1, 32, 128];
const DIRECTIONS = ['down', 'up'] as const;
type Direction = (typeof DIRECTIONS)[number];

interface Echoes {
  readonly messages: number;
  readonly messagesPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

interface Moved {
  readonly bytes: number;
  readonly ms: number;
  readonly sha256?: string;
}

interface Point {
  readonly path: PathName;
  readonly round: number;
  /** `1`, `32` and `128` connections with small messages, or a direction */
  readonly load: string;
  /** by name, as {@link MEASURES} has them */
  readonly values: Readonly<Record<string, number>>;
}

/** Of small messages and of bytes in bulk: what is shown, and how it is compared with frp. */
const ECHO_MEASURES = ['messages/s', 'p50 µs', 'p99 µs', 'CPU µs/message'];
const BULK_MEASURES = ['MB/s', 'CPU s'];

async function client<T>(processes: Processes, ...args: readonly (string | number)[]): Promise<T> {
  const script = compiled('bench/dist/programs/tcp-client.js');
  return JSON.parse(await processes.node('client', script, args.map(String)).finishes(180_000)) as T;
}

async function echoes(processes: Processes, path: TcpPath, connections: number, seconds: number) {
  const before = cpuOf(path);
  const told = await client<Echoes>(processes, 'echo', path.port, connections, seconds);
  return {
    'messages/s': told.messagesPerSecond,
    'p50 µs': told.p50Micros,
    'p99 µs': told.p99Micros,
    'CPU µs/message': (cpuOf(path) - before) / told.messages,
  };
}

async function move(processes: Processes, path: TcpPath, direction: Direction, bytes: number) {
  const before = cpuOf(path);
  const told = await client<Moved>(processes, direction, path.port, bytes);
  if (told.bytes !== bytes) throw new Error(`${path.name}, ${direction}: ${told.bytes} of ${bytes} bytes arrived`);
  return { 'MB/s': megabytesPerSecond(bytes, told.ms), 'CPU s': (cpuOf(path) - before) / 1e6 };
}

async function run(context: Context): Promise<Result> {
  const { processes, directory, quick, progress } = context;
  const [rounds, seconds, bytes] = quick ? [1, 1, 128 * MiB] : [3, 3, 1024 * MiB];
  const origin = Number(
    await processes.node('origin', compiled('bench/dist/programs/tcp-origin.js')).says(/port (\d+)/),
  );
  const paths = await startTcpPaths(processes, directory, origin);
  if (!paths.some(({ name }) => name === 'frp')) progress('frp is not there (bench/setup.sh): Berth alone is measured');

  progress('warming up');
  for (const { port } of paths) await client(processes, 'echo', port, 32, quick ? 1 : 3);

  const points: Point[] = [];
  const note = (point: Point, first: string): void => {
    points.push(point);
    const value = short(point.values[first] ?? NaN);
    progress(`round ${point.round}/${rounds}, ${point.load}, ${point.path}: ${value} ${first}`);
  };
  for (let round = 1; round <= rounds; round += 1) {
    for (const load of CONNECTIONS) {
      for (const path of paths) {
        const values = await echoes(processes, path, load, seconds);
        note({ path: path.name, round, load: String(load), values }, 'messages/s');
      }
    }
    for (const load of DIRECTIONS) {
      for (const path of paths) {
        const values = await move(processes, path, load, bytes);
        note({ path: path.name, round, load, values }, 'MB/s');
      }
    }
  }
  const intact: Figure[] = [];
  for (const path of paths.filter(({ name }) => name.startsWith('berth'))) {
    for (const direction of DIRECTIONS) {
      const told = await client<Moved>(processes, direction, path.port, bytes, 'verify');
      const value = Number(told.bytes === bytes && told.sha256 === checksum(bytes));
      intact.push({
        name: `${path.name} ${direction}: arrives intact (1 = yes)`,
        value,
        unit: '',
        goal: { atLeast: 1 },
      });
    }
  }
  console.log(`\n${overview(points, paths)}\n`);
  return { figures: [...figures(points, paths), ...intact], raw: { bytes, rounds, seconds, points } };
}

function middle(points: readonly Point[], path: PathName, load: string, measure: string): number {
  const chosen = points.filter((point) => point.path === path && point.load === load);
  return median(chosen.map(({ values }) => values[measure] ?? NaN));
}

const LOADS = [
  ...CONNECTIONS.map((count) => ({ load: String(count), title: `64 bytes, ${count} connections`, of: ECHO_MEASURES })),
  ...DIRECTIONS.map((load) => ({ load, title: `bulk ${load}`, of: BULK_MEASURES })),
];

function overview(points: readonly Point[], paths: readonly TcpPath[]): string {
  return [ECHO_MEASURES, BULK_MEASURES]
    .map((measures) => {
      const rows = LOADS.filter(({ of }) => of === measures).flatMap(({ load, title }) =>
        paths.map(({ name }) => [`${title}, ${name}`, ...measures.map((it) => short(middle(points, name, load, it)))]),
      );
      return table(['raw TCP', ...measures], rows);
    })
    .join('\n\n');
}

/** Latencies say how busy the machine is; throughput and CPU are what Berth is held to. */
function goalOf(measure: string): Pick<Figure, 'goal'> {
  if (measure.endsWith('/s')) return { goal: { atLeast: 1 } };
  return measure.startsWith('CPU') ? { goal: { atMost: 1 } } : {};
}

function figures(points: readonly Point[], paths: readonly TcpPath[]): Figure[] {
  const pairs = [
    { ours: 'berth', theirs: 'frp', note: '' },
    { ours: 'berth-tls', theirs: 'frp-tls', note: ', both with TLS' },
  ] as const;
  return pairs
    .filter(({ theirs }) => paths.some(({ name }) => name === theirs))
    .flatMap(({ ours, theirs, note }) =>
      LOADS.flatMap(({ load, title, of }) =>
        of.map((measure): Figure => ({
          name: `${title}${note}: ${measure}`,
          value: middle(points, ours, load, measure) / middle(points, theirs, load, measure),
          unit: '× frp',
          ...goalOf(measure),
        })),
      ),
    );
}

export const tcp: Scenario = {
  name: 'tcp',
  about: 'raw TCP: small messages and 1 GiB both ways, beside frp',
  limitMs: 15 * 60_000,
  run,
};
