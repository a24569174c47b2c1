/** One endless download that says each 250 ms how fast it was, in MB/s: `rate-client.js <port>`. */
import { connect } from 'node:net';
import { megabytesPerSecond } from '../lib/numbers.js';
import { endWithParent, numberArgument } from './lifeline.js';

const EVERY_MS = 250;
const ENDLESS_BYTES = 2 ** 40;

let bytes = 0;
const socket = connect({
  port: numberArgument(0),
  host: '127.0.0.1',
  onread: {
    buffer: Buffer.allocUnsafe(524_288),
    callback: (length) => {
      bytes += length;
      return true;
    },
  },
});
socket.once('close', () => process.exit(1));
socket.write(`GET /bytes?n=${ENDLESS_BYTES} HTTP/1.1\r\nHost: bench\r\n\r\n`);

endWithParent();
let since = performance.now();
setInterval(() => {
  const now = performance.now();
  console.log(`rate ${megabytesPerSecond(bytes, now - since).toFixed(1)}`);
  [bytes, since] = [0, now];
}, EVERY_MS);
