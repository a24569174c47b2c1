import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectLocal, parseTarget } from './local-target.js';

describe('parseTarget', () => {
  it.each([
    ['http://127.0.0.1:3000', { origin: 'http://127.0.0.1:3000', host: '127.0.0.1', port: 3000, secure: false }],
    ['http://box.local', { origin: 'http://box.local', host: 'box.local', port: 80, secure: false }],
    ['https://box.local', { origin: 'https://box.local', host: 'box.local', port: 443, secure: true }],
    ['http://[::1]:8080', { origin: 'http://[::1]:8080', host: '::1', port: 8080, secure: false }],
    ['h2c://box.local:50051', { origin: 'http://box.local:50051', h2: true, port: 50051, secure: false }],
    ['h2://box.local', { origin: 'https://box.local', h2: true, port: 443, secure: true, serverName: 'box.local' }],
    ['http://h2.local', { origin: 'http://h2.local', h2: false }],
    ['unix:/run/app.sock', { origin: 'http://localhost', socketPath: '/run/app.sock', secure: false }],
  ])('%s', (target, expected) => {
    expect(parseTarget(target)).toMatchObject(expected);
  });
});

describe('connectLocal', () => {
  it('reaches a unix socket; text goes out as Latin-1, and the halves end on their own', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-'));
    const path = join(folder, 'app.sock');
    let got = '';
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.setEncoding('latin1');
      socket.on('data', (text: string) => (got += text));
      socket.on('end', () => socket.end('late answer'));
    }).listen(path);
    await once(server, 'listening');
    const socket = connectLocal(parseTarget(`unix:${path}`));
    const closed = once(socket, 'close');
    let answer = '';
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString()));
    socket.end('caf\xe9');
    await closed;
    expect([got, answer]).toEqual(['caf\xe9', 'late answer']);
    server.close();
    await once(server, 'close');
    rmSync(folder, { recursive: true });
  });
});
