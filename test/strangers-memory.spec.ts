import { jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { eventually, freePortRange } from '@berth/testing';
import {
  callHead,
  gatewayProgram,
  H2,
  H2_PREFACE,
  h2Frame,
  H2Peer,
  messageHead,
  RawAgent,
} from '@berth/testing/system';

jest.setTimeout(60_000);

const PEERS = 400;
const MAX_GROWTH_MIB = 64;

const data = (stream: number, bytes: Buffer): Buffer => h2Frame(H2.data, 0, stream, bytes);
const streams = Array.from({ length: 128 }, (_, i) => 1 + 2 * i);

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

/** What each of the peers sends, and then stays. */
const ATTACKS: Record<string, () => Buffer[]> = {
  'unfinished messages of 115 kB on 16 streams': () =>
    streams
      .slice(0, 16)
      .flatMap((id) => [
        callHead(id),
        data(id, messageHead(120_000)),
        ...Array.from({ length: 7 }, () => data(id, Buffer.alloc(16_384))),
      ]),
  'a message in pieces of one byte': () => [
    callHead(1),
    data(1, messageHead(120_000)),
    ...Array.from({ length: 20_000 }, () => data(1, Buffer.of(0))),
  ],
  'large heads': () => streams.map((id) => callHead(id, { a: 'a'.repeat(6000), b: 'b'.repeat(6000) })),
  'thousands of compressed messages': () => [
    callHead(1, { 'grpc-encoding': 'gzip' }),
    data(1, Buffer.concat(Array.from({ length: 2700 }, () => messageHead(0, true)))),
  ],
  'a wrong Hello, and more behind it': () => [callHead(1), data(1, messageHead(1)), data(1, Buffer.alloc(16_384))],
  'streams opened and reset': () =>
    streams.flatMap((id) => [callHead(id), h2Frame(H2.reset, 0, id, Buffer.of(0, 0, 0, 8))]),
};

describe('what strangers send', () => {
  it.each(Object.entries(ATTACKS))(
    '%s: grows the gateway by no more than 64 MiB, and none of them stays',
    async (_, attack) => {
      await using gateway = await gatewayProgram(await freePortRange(2), [], { AUTH_TOKEN: 'a' });
      const residentMiB = (): number => residentBytes(gateway.program.pid) / 1024 ** 2;
      const start = residentMiB();
      let peak = start;
      const bytes = Buffer.concat([H2_PREFACE, ...attack()]);
      const peers: H2Peer[] = [];
      await using stack = new AsyncDisposableStack();
      for (let i = 0; i < PEERS; i += 1) {
        const peer = stack.use(await H2Peer.connect(gateway.grpcPort, `127.0.0.${1 + (i % 4)}`));
        peer.send(bytes);
        peers.push(peer);
        peak = Math.max(peak, residentMiB());
      }
      await eventually(() => {
        peak = Math.max(peak, residentMiB());
        return peers.every(({ closed }) => closed);
      }, 15_000);
      expect(peak - start).toBeLessThan(MAX_GROWTH_MIB);
    },
  );

  it('streams opened and reset by connections that come again and again: the same bound, and an agent of the same address gets in', async () => {
    await using gateway = await gatewayProgram(await freePortRange(2), [], { AUTH_TOKEN: 'a' });
    const residentMiB = (): number => residentBytes(gateway.program.pid) / 1024 ** 2;
    const resets = streams.map((id) => [callHead(id), h2Frame(H2.reset, 0, id, Buffer.of(0, 0, 0, 8))]).flat();
    const bytes = Buffer.concat([H2_PREFACE, ...resets]);
    const start = residentMiB();
    let [peak, came] = [start, 0];
    const end = performance.now() + 5000;
    await using stack = new AsyncDisposableStack();
    const attack = async (): Promise<void> => {
      while (performance.now() < end) {
        const peer = stack.use(await H2Peer.connect(gateway.grpcPort));
        came += 1;
        peer.send(bytes);
        await eventually(() => peer.closed, 15_000);
        peak = Math.max(peak, residentMiB());
      }
    };
    const attacks = Promise.all(Array.from({ length: 8 }, attack));
    await eventually(() => came > 40, 5000);
    using agent = new RawAgent(gateway.grpcPort);
    await agent.hello('one', { token: 'a' }).welcome;
    await attacks;
    expect(peak - start).toBeLessThan(MAX_GROWTH_MIB);
    // 32 at once, then each once a second.
    expect(came).toBeLessThan(200);
  });
});
