import type { Server } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';

/** Above this the next message waits until the client has read. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** Sends every message back as it came, text as text and binary as binary. */
export function attachEcho(server: Server, path: string): void {
  const sockets = new WebSocketServer({ noServer: true });
  sockets.on('connection', echo);
  server.on('upgrade', (req, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (req.url?.split('?', 1)[0] !== path) {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(req, socket, head, (client) => sockets.emit('connection', client, req));
  });
}

function echo(client: WebSocket): void {
  client.on('error', () => client.terminate());
  client.on('message', (message, binary) => {
    client.send(message, { binary }, () => {
      if (client.isPaused && client.bufferedAmount <= MAX_UNREAD_BYTES) client.resume();
    });
    if (client.bufferedAmount > MAX_UNREAD_BYTES) client.pause();
  });
}
