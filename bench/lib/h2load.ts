import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FRAME, METHOD } from './grpc-service.js';
import { quantile } from './numbers.js';
import type { Processes } from './processes.js';

export interface Calls {
  readonly connections: number;
  /** on each connection */
  readonly streams: number;
  readonly seconds: number;
}

export interface H2loadResult {
  readonly calls: number;
  readonly callsPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** calls that ended with another status than 200 or not at all, and messages that are missing in the others' answers */
  readonly failures: number;
}

/**
 * Unary gRPC calls by one thread of h2load on kept connections of HTTP/2 in
 * clear text, as many as the path takes. What is cut off at the end is not counted.
 *
 * @param directory for the call's message and for the log that the latencies come from
 */
export async function h2load(
  processes: Processes,
  directory: string,
  port: number,
  { connections, streams, seconds }: Calls,
): Promise<H2loadResult> {
  const [message, log] = [join(directory, 'call.bin'), join(directory, 'h2load.log')];
  writeFileSync(message, FRAME);
  rmSync(log, { force: true });
  const args = [
    ...['-t1', `-c${connections}`, `-m${streams}`, '-D', String(seconds), `--log-file=${log}`],
    ...['-d', message, '-H', 'content-type: application/grpc', '-H', 'te: trailers'],
    `http://127.0.0.1:${port}${METHOD}`,
  ];
  const said = await processes.start('h2load', 'h2load', args).finishes((seconds + 15) * 1000);
  return read(said, readFileSync(log, 'latin1'));
}

function read(said: string, log: string): H2loadResult {
  const number = (pattern: RegExp): number => Number(pattern.exec(said)?.[1] ?? NaN);
  const calls = number(/(\d+) succeeded/);
  if (!(calls > 0)) throw new Error(`no call was answered\n${said}`);
  // Start, status and microseconds of each.
  const latencies = log.split('\n').flatMap((line) => {
    const [, status, micros] = line.split('\t');
    return status === '200' ? [Number(micros)] : [];
  });
  const missingMessages = Math.max(0, calls - Math.floor(number(/\((\d+)\) data/) / FRAME.length));
  return {
    calls,
    callsPerSecond: number(/, ([\d.]+) req\/s/),
    p50Micros: quantile(latencies, 0.5),
    p99Micros: quantile(latencies, 0.99),
    failures: number(/(\d+) failed,/) + missingMessages,
  };
}
