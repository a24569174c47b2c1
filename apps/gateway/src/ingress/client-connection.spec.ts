import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { BerthError } from '#errors';
import { eventually } from '#testing';
import { ClientConnection, clientOf, trackClient } from './client-connection.js';

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
    const connection = new ClientConnection(socket, 1000);
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

  it('stops reading when many requests wait, and ends a connection that goes on', () => {
    const connection = new ClientConnection(socket, 1000);
    for (let i = 0; i < 20; i += 1) connection.enqueue(() => undefined);
    expect(socket.isPaused()).toBe(true);
    for (let i = 0; i < 10; i += 1) connection.answered();
    expect(socket.isPaused()).toBe(false);
    for (let i = 0; i < 1100; i += 1) connection.enqueue(() => undefined);
    expect(socket.destroyed).toBe(true);
  });

  it('begins nothing behind the last answer', () => {
    const connection = new ClientConnection(socket, 1000);
    const begun: number[] = [];
    connection.enqueue(() => begun.push(1));
    connection.enqueue(() => begun.push(2));
    connection.lastAnswer();
    connection.enqueue(() => begun.push(3));
    connection.answered();
    expect(begun).toEqual([1]);
  });

  it('a client still gets the last answer while it goes on sending', async () => {
    const connection = new ClientConnection(socket, 1000);
    connection.lastAnswer();
    let text = '';
    client.on('data', (chunk) => (text += String(chunk)));
    for (let i = 0; i < 200; i += 1) client.write(Buffer.alloc(65_536));
    socket.write('the answer');
    socket.destroySoon();
    await eventually(() => text === 'the answer' && client.readableEnded);
  });

  it('a half-closed client counts as gone when nothing was sent to it for the grace', async () => {
    const connection = new ClientConnection(socket, 20);
    let gone = 0;
    connection.current = { clientGone: () => (gone += 1), requestBroken: () => false };
    socket.resume();
    client.end();
    await eventually(() => gone === 1);
  });

  it('one that is sent something meanwhile does not', async () => {
    const connection = new ClientConnection(socket, 50);
    let gone = 0;
    connection.current = { clientGone: () => (gone += 1), requestBroken: () => false };
    socket.resume();
    client.end();
    await once(socket, 'end');
    socket.write('x');
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(gone).toBe(0);
  });

  it('is found again by its socket', () => {
    trackClient(socket, 1000);
    clientOf(socket).broken = new BerthError('BERTH_BAD_REQUEST', 'x');
    expect(clientOf(socket).broken?.code).toBe('BERTH_BAD_REQUEST');
  });
});
