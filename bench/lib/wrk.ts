import type { Processes } from './processes.js';

export interface WrkResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** answers that were no success, and broken connections */
  readonly failures: number;
}

const MICROS: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1_000_000, m: 60_000_000 };

/** One thread of wrk on kept connections; as much as the path takes. */
export async function wrk(
  processes: Processes,
  port: number,
  connections: number,
  seconds: number,
  scheme: 'http' | 'https' = 'http',
): Promise<WrkResult> {
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    '10s',
    '--latency',
    `${scheme}://127.0.0.1:${port}/`,
  ];
  const said = await processes.start('wrk', 'wrk', args).finishes((seconds + 15) * 1000);
  const result = readWrk(said);
  if (result.requests === 0) throw new Error(`no request was answered on port ${port}\n${said}`);
  return result;
}

function readWrk(said: string): WrkResult {
  const number = (pattern: RegExp): number => Number(pattern.exec(said)?.[1] ?? 0);
  const latency = (percent: number): number => {
    const [, value, unit] = new RegExp(String.raw`^\s+${percent}%\s+([\d.]+)(us|ms|s|m)`, 'm').exec(said) ?? [];
    return Number(value) * (MICROS[unit ?? ''] ?? NaN);
  };
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(said)?.slice(1) ?? [];
  return {
    requests: number(/(\d+) requests in/),
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50Micros: latency(50),
    p99Micros: latency(99),
    failures: number(/Non-2xx or 3xx responses: (\d+)/) + errors.reduce((sum, count) => sum + Number(count), 0),
  };
}
