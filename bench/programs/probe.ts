/** A client with one kept connection and one request every few ms; prints latencies in µs: `probe.js <port> <seconds>`. */
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { endWithParent, numberArgument } from './lifeline.js';

const PACE_MS = 4;

const port = numberArgument(0);
const seconds = numberArgument(1);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

async function request(): Promise<number> {
  const start = performance.now();
  return await new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/small', agent, timeout: 30_000 }, (res) => {
      if (res.statusCode !== 200) reject(new Error(`status ${String(res.statusCode)}`));
      res.resume().once('end', () => resolve((performance.now() - start) * 1000));
    }).once('error', reject);
  });
}

endWithParent();
for (let i = 0; i < 50; i += 1) await request();
const micros: number[] = [];
const end = performance.now() + seconds * 1000;
while (performance.now() < end) {
  micros.push(Math.round(await request()));
  await sleep(PACE_MS);
}
console.log(JSON.stringify(micros));
process.exit(0);
