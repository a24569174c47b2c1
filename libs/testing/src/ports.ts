import { createServer } from 'node:net';

/** Where ranges lie: below the system's ephemeral ports, so that no outgoing connection takes one. */
const FIRST = 20_000;
const LAST = 32_000;

/** Each Jest worker looks in a part of its own, so that two never pick the same range. */
const WORKERS = 8;

/** Where the next search begins: a process gives no port out twice until all of its part were. */
let next = Number.NaN;

/**
 * Neighbouring ports that are free now, for a gateway's `http.agentPortRange` or for programs that are told their port.
 *
 * @param count 1..1500
 */
export async function freePortRange(count: number): Promise<{ start: number; end: number }> {
  const worker = process.env['JEST_WORKER_ID'];
  const share = worker === undefined ? LAST - FIRST : Math.floor((LAST - FIRST) / WORKERS);
  const low = FIRST + (worker === undefined ? 0 : Number(worker) % WORKERS) * share;
  if (Number.isNaN(next)) next = low + Math.floor(Math.random() * share);
  for (let looked = 0; looked < 2 * share;) {
    const start: number = next + count > low + share ? low : next;
    // Taken before it is looked at: who asks meanwhile gets others.
    next = start + count;
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(start + i)));
    if (free.every(Boolean)) return { start, end: start + count - 1 };
    looked += count;
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
