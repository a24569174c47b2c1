/**
 * A long link in user space: `delay-relay.js <target port> <delay in ms>`, the delay holding for each
 * direction. Every chunk leaves as long after it came; how much is under way is bounded only by memory,
 * so what limits throughput is what the two ends allow each other.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { endWithParent, numberArgument } from './programs/lifeline.js';

const MAX_IN_FLIGHT_BYTES = 256 * 1024 * 1024;

interface Parcel {
  readonly due: number;
  /** nothing: the sender has ended its half */
  readonly bytes: Buffer | undefined;
}

function delay(from: Socket, to: Socket, delayMs: number): void {
  const underway: Parcel[] = [];
  let bytesUnderway = 0;
  let timer: NodeJS.Timeout | undefined;

  const deliver = (): void => {
    timer = undefined;
    const now = performance.now();
    let sent = 0;
    to.cork();
    // Bytes that the receiver does not take stay here; its 'drain' calls again.
    for (; sent < underway.length && !to.writableNeedDrain; sent += 1) {
      const parcel = underway[sent];
      if (parcel === undefined || parcel.due > now) break;
      if (parcel.bytes === undefined) to.end();
      else to.write(parcel.bytes);
      bytesUnderway -= parcel.bytes?.length ?? 0;
    }
    to.uncork();
    underway.splice(0, sent);
    if (from.isPaused() && bytesUnderway < MAX_IN_FLIGHT_BYTES) from.resume();
    schedule();
  };
  const schedule = (): void => {
    const [first] = underway;
    if (first === undefined || timer !== undefined || to.destroyed || to.writableNeedDrain) return;
    timer = setTimeout(deliver, Math.max(0, first.due - performance.now()));
  };
  const take = (bytes: Buffer | undefined): void => {
    underway.push({ due: performance.now() + delayMs, bytes });
    bytesUnderway += bytes?.length ?? 0;
    if (bytesUnderway >= MAX_IN_FLIGHT_BYTES) from.pause();
    schedule();
  };

  from.on('data', take);
  from.once('end', () => take(undefined));
  to.on('drain', deliver);
  from.on('error', () => to.destroy());
  from.once('close', () => {
    if (!from.readableEnded) to.destroy();
  });
}

const target = numberArgument(0);
const delayMs = numberArgument(1);
const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  delay(near, far, delayMs);
  delay(far, near, delayMs);
});

endWithParent();
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`));
