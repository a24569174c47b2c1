import { readFileSync } from 'node:fs';
import { table } from './table.js';
import { root } from './repository.js';

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  readonly place: string;
  readonly share: number;
}

/** Where a process was while it was not idle, by the time in a function itself. The profile's clock is the monotonic one. */
export function selfTimes(file: string, fromMicros: number, toMicros: number, count: number): SelfTime[] {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const places = new Map(profile.nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const micros = new Map<string, number>();
  let total = 0;
  let at = profile.startTime;
  profile.samples.forEach((id, i) => {
    const spent = profile.timeDeltas[i + 1] ?? 0;
    at += profile.timeDeltas[i] ?? 0;
    const place = places.get(id) ?? '';
    if (at < fromMicros || at > toMicros || place === '(idle)') return;
    total += spent;
    micros.set(place, (micros.get(place) ?? 0) + spent);
  });
  return [...micros]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([place, spent]) => ({ place, share: spent / total }));
}

function placeOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const path = url
    .replace(/^file:\/\//, '')
    .replace(`${root}/`, '')
    .replace(/^node_modules\//, '');
  return `${name}  ${path}:${lineNumber + 1}`;
}

export const selfTimeTable = (times: readonly SelfTime[]): string =>
  table(
    ['self time in', 'share'],
    times.map(({ place, share }) => [place, `${(share * 100).toFixed(1)} %`]),
  );
