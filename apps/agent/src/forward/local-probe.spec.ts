import { createServer as createHttpServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { disposable, eventually, freePortRange, listening } from '@berth/testing';
import { probeLocal } from './local-probe.js';

const at = (port: number): Parameters<typeof probeLocal>[0] => ({ socketPath: undefined, host: '127.0.0.1', port });

describe('probeLocal', () => {
  /** How each connection ended, and what came on it. */
  function watching(server: Server): { bytes: number; ends: string[]; all: number } {
    const seen = { bytes: 0, ends: [] as string[], all: 0 };
    server.on('connection', (socket: Socket) => {
      seen.all += 1;
      socket.on('data', ({ length }) => (seen.bytes += length));
      socket.on('error', ({ message }) => seen.ends.push(message));
      socket.on('close', () => seen.ends.push('closed'));
    });
    return seen;
  }

  it('finds a service, says nothing to it and closes in order', async () => {
    await using service = await listening(createServer());
    const seen = watching(service.server);
    expect(await probeLocal(at(service.port), 1000)).toBeUndefined();
    await eventually(() => seen.ends.length > 0);
    expect(seen).toEqual({ bytes: 0, ends: ['closed'], all: 1 });
  });

  it('closes in order also where the service speaks first', async () => {
    await using service = await listening(createServer((socket) => socket.write('220 ready\r\n')));
    const seen = watching(service.server);
    expect(await probeLocal(at(service.port), 1000)).toBeUndefined();
    await eventually(() => seen.ends.length > 0);
    expect(seen.ends).toEqual(['closed']);
  });

  it('is no client error for an HTTP server', async () => {
    await using service = await listening(createHttpServer());
    let errors = 0;
    service.server.on('clientError', () => (errors += 1));
    const seen = watching(service.server);
    expect(await probeLocal(at(service.port), 1000)).toBeUndefined();
    await eventually(() => seen.ends.length > 0);
    expect([errors, seen.ends]).toEqual([0, ['closed']]);
  });

  it('says why there is none', async () => {
    const { start } = await freePortRange(1);
    expect(await probeLocal(at(start), 1000)).toMatchObject({ code: 'ECONNREFUSED' });
    expect(await probeLocal({ ...at(1), host: 'no-such-host.invalid' }, 5000)).toMatchObject({
      code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/),
    });
    expect(await probeLocal({ ...at(1), socketPath: '/nowhere/at/all.sock' }, 1000)).toMatchObject({ code: 'ENOENT' });
  });

  it('finds one at a unix socket', async () => {
    await using folder = disposable({ path: await mkdtemp(join(tmpdir(), 'probe-')) }, ({ path }) =>
      rm(path, { recursive: true }),
    );
    const socketPath = join(folder.path, 'service.sock');
    await using server = createServer().listen(socketPath);
    await once(server, 'listening');
    expect(await probeLocal({ ...at(1), socketPath }, 1000)).toBeUndefined();
  });
});
