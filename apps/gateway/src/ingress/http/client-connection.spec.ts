import { once } from 'node:events';
import { stat } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { BerthError } from '@berth/errors';
import { eventually } from '@berth/testing';
import { ClientConnection, clientOf, trackClient } from './client-connection.js';
import { PipelineBudget } from './pipeline-budget.js';

/** Takes all that is left. */
function room(budget: PipelineBudget): number {
  let left = 0;
  while (budget.take()) left += 1;
  return left;
}

describe('ClientConnection', () => {
  let server: Server;
  let client: Socket;
  let socket: Socket;
  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => undefined);
    [socket] = await accepted;
    socket.on('error', () => undefined);
  });
  afterEach(async () => {
    client.destroy();
    socket.destroy();
    server.close();
    await once(server, 'close');
  });

  it('runs one request at a time, in order', () => {
    const connection = new ClientConnection(socket, 1000, new PipelineBudget(100));
    const begun: number[] = [];
    for (const number of [1, 2, 3]) connection.enqueue(() => begun.push(number));
    expect(begun).toEqual([1]);
    connection.answered();
    expect(begun).toEqual([1, 2]);
    connection.answered();
    connection.answered();
    connection.enqueue(() => begun.push(4));
    expect(begun).toEqual([1, 2, 3, 4]);
  });

  it('stops reading when many requests wait, and answers what one read has brought beyond', async () => {
    const connection = new ClientConnection(socket, 1000, new PipelineBudget(2000));
    let begun = 0;
    for (let i = 0; i < 2000; i += 1) connection.enqueue(() => (begun += 1));
    await new Promise((resolve) => setImmediate(resolve));
    expect([socket.isPaused(), socket.destroyed]).toEqual([true, false]);
    for (let i = 0; i < 1990; i += 1) connection.answered();
    expect([socket.isPaused(), begun]).toEqual([false, 1991]);
    for (let i = 0; i < 10; i += 1) connection.answered();
    expect(begun).toBe(2000);
  });

  it('ends a connection whose requests find no room, and gives the room it had to others', () => {
    const budget = new PipelineBudget(100);
    // One is under way, and 16 wait without being counted.
    const connection = new ClientConnection(socket, 1000, budget);
    for (let i = 0; i < 117; i += 1) connection.enqueue(() => undefined);
    expect([socket.destroyed, budget.take()]).toEqual([false, false]);
    for (let i = 0; i < 10; i += 1) connection.answered();
    for (let i = 0; i < 10; i += 1) connection.enqueue(() => undefined);
    expect([socket.destroyed, budget.take()]).toEqual([false, false]);
    connection.enqueue(() => undefined);
    expect([socket.destroyed, room(budget)]).toEqual([true, 100]);
    connection.enqueue(() => undefined);
    expect(room(budget)).toBe(0);
  });

  it.each<[string, (connection: ClientConnection) => unknown]>([
    ['its client leaves', () => client.resetAndDestroy()],
    ['an answer is its last', (connection) => connection.lastAnswer()],
    ['all are answered', (connection) => Array.from({ length: 60 }, () => connection.answered())],
  ])('gives its room back when %s', async (_name, end) => {
    const budget = new PipelineBudget(100);
    const connection = new ClientConnection(socket, 1000, budget);
    for (let i = 0; i < 60; i += 1) connection.enqueue(() => undefined);
    end(connection);
    socket.resume();
    await eventually(() => {
      const left = room(budget);
      budget.giveBack(left);
      return left === 100;
    });
  });

  it('begins nothing behind the last answer', () => {
    const connection = new ClientConnection(socket, 1000, new PipelineBudget(100));
    const begun: number[] = [];
    connection.enqueue(() => begun.push(1));
    connection.enqueue(() => begun.push(2));
    connection.lastAnswer();
    connection.enqueue(() => begun.push(3));
    connection.answered();
    expect(begun).toEqual([1]);
  });

  it('a client still gets the last answer while it goes on sending', async () => {
    const connection = new ClientConnection(socket, 1000, new PipelineBudget(100));
    connection.lastAnswer();
    let text = '';
    client.on('data', (chunk) => (text += String(chunk)));
    for (let i = 0; i < 200; i += 1) client.write(Buffer.alloc(65_536));
    socket.write('the answer');
    socket.destroySoon();
    await eventually(() => text === 'the answer' && client.readableEnded);
  });

  it('a half-closed client counts as gone when nothing was sent to it for the grace', async () => {
    const connection = new ClientConnection(socket, 20, new PipelineBudget(0));
    let gone = 0;
    connection.current = { clientGone: () => (gone += 1), requestBroken: () => false };
    socket.resume();
    client.end();
    await eventually(() => gone === 1);
  });

  it('one that is sent something meanwhile does not', async () => {
    const connection = new ClientConnection(socket, 50, new PipelineBudget(0));
    let gone = 0;
    connection.current = { clientGone: () => (gone += 1), requestBroken: () => false };
    socket.resume();
    client.end();
    await once(socket, 'end');
    socket.write('x');
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(gone).toBe(0);
  });

  it('nor one whose answer arrived while this process did not run', async () => {
    const connection = new ClientConnection(socket, 20, new PipelineBudget(0));
    let gone = 0;
    connection.current = { clientGone: () => (gone += 1), requestBroken: () => false };
    socket.resume();
    client.end();
    await once(socket, 'end');
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        // Comes with what is read from the network, after the timers.
        stat('.', () => {
          socket.write('x');
          resolve();
        });
        const blockedUntil = performance.now() + 100;
        while (performance.now() < blockedUntil);
      });
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(gone).toBe(0);
  });

  it('is found again by its socket', () => {
    trackClient(socket, 1000, new PipelineBudget(0));
    clientOf(socket).broken = new BerthError('BERTH_BAD_REQUEST', 'x');
    expect(clientOf(socket).broken?.code).toBe('BERTH_BAD_REQUEST');
  });
});
