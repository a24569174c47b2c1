import { createServer } from 'node:net';

/** Where test ranges lie: below the system's ephemeral ports, so that no outgoing connection takes one. */
const FIRST = 20_000;
const LAST = 32_000;

/** Each Jest worker looks in a part of its own, so that two never pick the same range. */
const WORKERS = 8;

/**
 * Neighbouring ports that are free now, for a gateway's `http.agentPortRange`.
 *
 * @param count 1..100
 */
export async function freePortRange(count: number): Promise<{ start: number; end: number }> {
  const share = Math.floor((LAST - FIRST) / WORKERS);
  const worker = Number(process.env['JEST_WORKER_ID'] ?? '1') % WORKERS;
  const low = FIRST + worker * share;
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const start = low + Math.floor(Math.random() * (share - count));
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(start + i)));
    if (free.every(Boolean)) return { start, end: start + count - 1 };
  }
  throw new Error(`no ${count} neighbouring ports are free between ${low} and ${low + share}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
