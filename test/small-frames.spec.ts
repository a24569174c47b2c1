import { collectGarbage, eventually, RawClient } from '@berth/testing';
import { agentDetail, RawAgent, testGateway } from '@berth/testing/system';
import { encodeFrame } from '../libs/tunnel-protocol/src/frame-encoder.js';
import { turn } from '../libs/tunnel-protocol/testing/wire.js';

const CLIENTS = 12;
const WINDOW_BYTES = 1_048_576;
/** Of each window; the rest goes out in short frames, once the kernel's buffers are full. */
const KEPT_BYTES = 400_000;
const BATCH_BYTES = 60_000;

/** Memory that is in use after collections, bytes; what earlier specs of this process left behind goes first. */
async function inUse(): Promise<number> {
  let last = Infinity;
  for (let round = 0; round < 50; round += 1) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { heapUsed, external } = process.memoryUsage();
    if (round > 5 && Math.abs(heapUsed + external - last) < 50_000) break;
    last = heapUsed + external;
  }
  return last;
}

/** Waits until a figure has stood still for half a second. */
async function still(figure: () => number): Promise<void> {
  let last = NaN;
  let since = 0;
  await eventually(() => {
    const now = figure();
    if (now !== last) [last, since] = [now, performance.now()];
    return performance.now() - since > 500;
  }, 20_000);
}

/**
 * Clients that read nothing, and an agent that sends them all it has credit for.
 *
 * @param dataBytes payload of a Data frame
 * @param perBatch so many of them in a batch of {@link BATCH_BYTES}; the rest of it is Pongs
 * @returns memory per exchange, as a part of its window
 */
async function stalledWith(dataBytes: number, perBatch: number): Promise<number> {
  const tunnel = { windowStartBytes: WINDOW_BYTES, windowBudgetBytes: 0 };
  await using gateway = await testGateway({ tunnel });
  using agent = await RawAgent.registered(gateway.grpcPort, 'a');
  using stack = new DisposableStack();
  const { port } = await agent.welcome;
  for (let i = 0; i < CLIENTS; i += 1) {
    const client = stack.use(await RawClient.connect(port));
    client.socket.pause();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  }
  await eventually(() => agent.opened.length === CLIENTS);
  for (const exchange of agent.opened) exchange.sendHead({ status: 200, reason: 'OK', headers: [] });
  const before = await inUse();
  const credit = (): number => agent.opened.reduce((sum, exchange) => sum + exchange.sendCredit, 0);
  const fill = setInterval(() => {
    for (const exchange of agent.opened) {
      const bytes = Math.min(exchange.sendCredit - KEPT_BYTES, 32_768);
      if (bytes > 0 && exchange.pendingBytes === 0) exchange.sendData(Buffer.alloc(bytes));
    }
  }, 1);
  await still(credit);
  clearInterval(fill);
  for (const exchange of agent.opened) {
    while (exchange.sendCredit >= dataBytes) {
      const count = Math.min(perBatch, Math.floor(exchange.sendCredit / dataBytes));
      exchange.sendCredit -= count * dataBytes;
      const frames = encodeFrame.data(exchange.id, 'd'.repeat(dataBytes)).repeat(count);
      const pong = encodeFrame.connection(20, Buffer.alloc(0));
      const rest = Math.max(0, Math.floor((BATCH_BYTES - frames.length) / pong.length));
      agent.call.write(Buffer.from(frames + pong.repeat(rest), 'latin1'));
      await turn();
    }
  }
  await still(() => agent.session.bytesReceived);
  expect((await agentDetail(gateway, 'a')).in_flight).toBe(CLIENTS);
  for (const exchange of agent.opened) expect(exchange.sendCredit).toBeLessThan(dataBytes);
  return ((await inUse()) - before) / CLIENTS / WINDOW_BYTES;
}

describe('memory of a stalled exchange, whatever the frame sizes', () => {
  it.each([
    ['a few bytes', 5, 4000],
    ['just more than half a block', 8_193, 7],
    ['20,000 bytes, in batches that are mostly something else', 20_000, 1],
  ])(
    'is at most 1.25 of its window with Data of %s',
    async (_what, dataBytes, perBatch) => {
      expect(await stalledWith(dataBytes, perBatch)).toBeLessThanOrEqual(1.25);
    },
    120_000,
  );
});
