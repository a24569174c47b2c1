import { once } from 'node:events';
import { createServer, type AddressInfo, Socket } from 'node:net';
import { defaultAgentSettings } from '../agent-settings.js';
import { LimitedLog, silentLog } from '@berth/observability';
import { eventually } from '@berth/testing';
import { LocalPool, type PoolUser } from './local-pool.js';
import { parseTarget } from './local-target.js';

function pool(local: object, port = 1): LocalPool {
  const settings = defaultAgentSettings({ target: `http://127.0.0.1:${port}`, id: 'a', local });
  return new LocalPool(parseTarget(settings.target), settings.local, new LimitedLog(silentLog));
}

/** As users do: who may run at once runs. */
function ask(from: LocalPool, user: PoolUser): void {
  if (from.acquire(user)) user.run();
}

/** Opens a socket that never connects. */
class Opener implements PoolUser {
  readonly opensSocket = true;
  readonly socket = new Socket();
  state: 'waiting' | 'running' | 'refused' = 'waiting';
  constructor(private readonly from: LocalPool) {
    this.socket.on('error', () => undefined);
  }
  run(): void {
    this.state = 'running';
    this.from.track(this.socket);
  }
  refused(): void {
    this.state = 'refused';
  }
}

describe('LocalPool', () => {
  it('opens 64 connections at a time, and goes on when they stand or fail', async () => {
    const opening = pool({ maxConnections: 1000 });
    const users = Array.from({ length: 100 }, () => new Opener(opening));
    for (const user of users) ask(opening, user);
    const running = (): number => users.filter(({ state }) => state === 'running').length;
    expect(running()).toBe(64);
    for (const { socket } of users.slice(0, 10)) socket.emit('connect');
    expect(running()).toBe(74);
    for (const { socket } of users.slice(10, 20)) socket.destroy();
    await eventually(() => running() === 84);
    for (const { socket } of users) socket.destroy();
    await eventually(() => running() === 100);
    await opening.close();
  });

  it('a socket of its own has local.connectTimeoutMs to connect', async () => {
    const timed = pool({ maxConnections: 1, connectTimeoutMs: 20 });
    const [first, second] = [new Opener(timed), new Opener(timed)];
    ask(timed, first);
    ask(timed, second);
    const [error] = (await once(first.socket, 'error')) as [Error & { code: string }];
    expect([error.code, error.message]).toEqual(['ETIMEDOUT', expect.stringContaining('local.connectTimeoutMs')]);
    await eventually(() => second.state === 'running');
    await eventually(() => second.socket.closed);
    await timed.close();
  });

  it('at the limit who waits is refused when nothing became free, and who comes then at once', async () => {
    const full = pool({ maxConnections: 2, queueTimeoutMs: 100 });
    const users = Array.from({ length: 5 }, () => new Opener(full));
    for (const user of users.slice(0, 4)) ask(full, user);
    await eventually(() => users[2]?.state === 'refused' && users[3]?.state === 'refused');
    ask(full, users[4] as Opener);
    expect(users[4]?.state).toBe('refused');
    users[0]?.socket.destroy();
    await once(users[0]?.socket as Socket, 'close');
    const late = new Opener(full);
    ask(full, late);
    expect(late.state).toBe('running');
    for (const { socket } of [...users, late]) socket.destroy();
    await full.close();
  });

  it('keeps no free connection that has closed, and uses its client again', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const kept = pool({ maxConnections: 10 }, (server.address() as AddressInfo).port);
    const request = async (): Promise<unknown> => {
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      const user: PoolUser = {
        opensSocket: false,
        refused: () => {
          reject(new Error('refused'));
        },
        run: () => {
          client = kept.checkOut();
          client.dispatch(
            { method: 'GET', path: '/' },
            {
              onRequestStart: () => undefined,
              onResponseStart: () => undefined,
              onResponseData: () => undefined,
              onResponseEnd: () => {
                kept.giveBack(client as never, true);
                resolve(undefined);
              },
              onResponseError: (_controller, error) => {
                reject(error);
              },
            },
          );
        },
      };
      ask(kept, user);
      await promise;
      return client;
    };
    let client: ReturnType<LocalPool['checkOut']> | undefined;
    const first = await request();
    expect(await request()).toBe(first);
    expect(sockets.size).toBe(1);
    for (const socket of sockets) socket.destroy();
    await once(client as never, 'disconnect');
    expect(await request()).toBe(first);
    expect(sockets.size).toBe(2);
    await kept.close();
    server.close();
    await once(server, 'close');
  });
});
