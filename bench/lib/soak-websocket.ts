import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { pieces } from './pattern.js';
import { checkOrigin, type Lane, randomBytes, randomStart, Wrong } from './soak-exchanges.js';

const LARGEST = 200_000;
const STUCK_MS = 60_000;
const PAUSE_MS = 100;
const LONGEST_MS = 20_000;

/** One WebSocket for a while: a message, its echo, the next. */
export async function webSocket(lane: Lane): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${lane.port}/`, { perMessageDeflate: false });
  const end = performance.now() + Math.random() * LONGEST_MS;
  let answered: string | string[] | undefined;
  socket.once('upgrade', (res: IncomingMessage) => (answered = res.headers['x-origin']));
  let reason = new Error('WebSocket closed');
  socket.on('error', (error) => (reason = error));
  const closed = once(socket, 'close').then(() => Promise.reject(reason));
  closed.catch(() => undefined);
  const stuck = sleep(STUCK_MS + LONGEST_MS, undefined, { ref: false }).then(() => Promise.reject(new Error('stuck')));
  stuck.catch(() => undefined);
  try {
    await Promise.race([once(socket, 'open'), closed, stuck]);
    checkOrigin(lane, answered);
    while (performance.now() < end && !lane.over()) {
      const message = Buffer.concat([...pieces(randomBytes(LARGEST), randomStart())]);
      const echoed = once(socket, 'message');
      socket.send(message);
      const [data] = (await Promise.race([echoed, closed, stuck])) as [Buffer];
      if (!data.equals(message))
        throw new Wrong(`a message of ${message.length} bytes came back as ${data.length} others`);
      lane.account.right += 1;
      lane.account.bytes += 2 * message.length;
      await sleep(PAUSE_MS * (0.5 + Math.random()));
    }
  } finally {
    socket.terminate();
  }
}
