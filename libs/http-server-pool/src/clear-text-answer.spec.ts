import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { eventually, RawClient } from '@berth/testing';
import { answerClearText } from './clear-text-answer.js';

describe('answerClearText', () => {
  // Red? This Node keeps the connection below a TLS socket elsewhere: see clear-text-answer.ts.
  it('answers on the connection below the TLS socket, and ends it', async () => {
    await using stack = new AsyncDisposableStack();
    const server = createServer();
    const below: Socket[] = [];
    server.on('connection', (socket: Socket) => below.push(socket));
    server.on('tlsClientError', (_error, socket: TLSSocket) => {
      answerClearText(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stack.defer(() => {
      server.close();
      for (const socket of below) socket.destroy();
    });
    const client = await RawClient.connect((server.address() as AddressInfo).port);
    stack.defer(() => {
      client.destroy();
    });
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => client.text().startsWith('HTTP/1.1 400 Bad Request\r\n') && client.ended);
    client.destroy();
    await eventually(() => below[0]?.destroyed === true);
  });
});
