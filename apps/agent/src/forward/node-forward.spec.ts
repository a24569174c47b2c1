import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { ExchangeKind } from '@berth/exchange';
import { eventually } from '@berth/testing';
import { ExchangeRecorder } from '../../testing/exchange-recorder.js';
import { LocalFigures } from './local-figures.js';
import { connectLocal, parseTarget } from './local-target.js';
import { NodeForward } from './node-forward.js';

describe('NodeForward as a byte pipe', () => {
  async function pipe(
    behave: (socket: Socket) => void,
  ): Promise<{ calls: string[]; forward: NodeForward; end: () => Promise<void> }> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
        behave(socket);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const target = parseTarget(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const recorder = new ExchangeRecorder({
      kind: ExchangeKind.upgrade,
      headers: ['Host', 'a', 'Connection', 'Upgrade', 'Upgrade', 'x'],
      body: true,
    });
    const forward = new NodeForward(recorder.exchange, () => connectLocal(target), 16_384, 0, {
      figures: new LocalFigures(),
      fail: () => undefined,
    });
    const end = async (): Promise<void> => {
      forward.failed();
      server.close();
      await once(server, 'close');
    };
    return { calls: recorder.calls, forward, end };
  }

  it('does not reset when the service has ended and gone: its last bytes may still wait for credit', async () => {
    let closed = false;
    const { calls, forward, end } = await pipe((socket) => {
      socket.on('close', () => (closed = true));
      socket.on('end', () => socket.end('tail'));
      socket.resume();
    });
    await eventually(() => calls.includes('head 101'));
    forward.end(undefined);
    await eventually(() => closed && calls.includes('end'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toEqual(['head 101', 'data 4', 'end']);
    await end();
    expect(calls).toEqual(['head 101', 'data 4', 'end']);
  });

  it('resets when the service breaks off before its end', async () => {
    const { calls, end } = await pipe((socket) => socket.resetAndDestroy());
    await eventually(() => calls.some((call) => call.startsWith('reset')));
    await end();
  });
});
