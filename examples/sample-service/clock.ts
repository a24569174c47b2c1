import type { IncomingMessage, ServerResponse } from 'node:http';

const TICK_MS = 1000;

/** One event per second, the first at once; each leaves as soon as it is written. */
export function streamClock(_req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  res.socket?.setNoDelay(true);
  let count = 0;
  const tick = (): void => {
    // A reader that has stopped gets later ticks, not all of them from memory.
    if (res.writableNeedDrain) return;
    count += 1;
    res.write(`id: ${count}\ndata: ${JSON.stringify({ count, time: new Date().toISOString() })}\n\n`);
  };
  tick();
  const timer = setInterval(tick, TICK_MS);
  res.once('close', () => clearInterval(timer));
}
