import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { keepAnswers, NothingSentError, type Reuse } from './kept-answers.js';

describe('keepAnswers', () => {
  let retired = 0;
  const reuse: Reuse = { beginsRequest: (piece) => piece === 'head', retire: () => (retired += 1) };

  /** Both ends of a connection; what the guarded one was told is listed. */
  async function pair(): Promise<{ near: Socket; far: Socket; told: unknown[]; end: () => Promise<void> }> {
    retired = 0;
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [far] = (await accepted) as [Socket];
    if (near.connecting) await once(near, 'connect');
    keepAnswers(near, reuse);
    const told: unknown[] = [];
    near.on('data', (bytes: Buffer) => told.push(bytes.toString()));
    near.on('end', () => told.push('end'));
    near.on('error', (error) => told.push(error));
    far.on('error', () => undefined);
    const end = async (): Promise<void> => {
      server.close();
      await once(server, 'close');
    };
    return { near, far, told, end };
  }

  it('a failed write does not hide what has arrived before', async () => {
    const { near, far, told, end } = await pair();
    near.write('head');
    await once(far, 'readable');
    far.write('no');
    // Over loopback both have arrived before the next line runs; nobody has read them.
    far.resetAndDestroy();
    near.write('body');
    near.write('more');
    await once(near, 'close').catch(() => undefined);
    expect(told).toEqual(['no', expect.objectContaining({ code: 'ECONNRESET', syscall: 'write' })]);
    expect(retired).toBe(1);
    await end();
  });

  it('an end that came before the reset stays an end', async () => {
    const { near, far, told, end } = await pair();
    near.write('head');
    await once(far, 'readable');
    far.end('no');
    await once(far, 'finish');
    far.destroy();
    // The first is answered with a reset, the second fails.
    near.write('body');
    near.write('more');
    await once(near, 'close');
    expect(told).toEqual(['no', 'end']);
    await end();
  });

  it('a request of which nothing could be written says so', async () => {
    const { near, far, told, end } = await pair();
    far.resetAndDestroy();
    near.write('head');
    await once(near, 'close').catch(() => undefined);
    expect(told).toEqual([expect.any(NothingSentError)]);
    expect(retired).toBe(0);
    await end();
  });
});
