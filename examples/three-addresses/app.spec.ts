import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { HttpServerPool, PooledServers, type ServerReport } from '@berth/http-server-pool';
import { eventually, freePortRange, owning } from '@berth/testing';
import { openBookshop, type Places } from './app.js';

describe('example: an application at three addresses', () => {
  async function open(): Promise<{ app: INestApplicationContext; places: Places } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), 'berth-three-'));
    stack.defer(() => {
      rmSync(folder, { recursive: true });
    });
    const { start: port } = await freePortRange(1);
    const places = { everybody: `127.0.0.1:${port}`, machine: '[::1]:0', socket: join(folder, 'shop.sock') };
    const app = await openBookshop(places);
    stack.adopt(app, (it) => it.close());
    return owning({ app, places }, stack);
  }

  it('its controllers answer at all of them, and it tells how each is', async () => {
    await using shop = await open();
    const { app, places } = shop;
    const pool = app.get(HttpServerPool);
    const books = ['Middlemarch', 'Bleak House'];
    expect(await (await fetch(`http://${places.everybody}/books`)).json()).toEqual(books);
    const [machine] = pool.list('name', 'expose', { exact: 'machine' });
    expect(machine).toMatch(/^http:\/\/\[::1\]:\d+$/);
    const reports = (await (await fetch(`${machine ?? ''}/servers`)).json()) as ServerReport[];
    expect(reports.map(({ name, state, healthy }) => `${name} ${state} ${healthy}`).sort()).toEqual([
      'everybody running true',
      'machine running true',
      'old disabled true',
      'proxy running true',
    ]);
    expect(await (await fetch(`http://${places.everybody}/servers`)).json()).toHaveLength(4);
    const response = await new Promise<IncomingMessage>((resolve) => {
      get({ socketPath: places.socket, path: '/books', agent: false }, resolve);
    });
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    expect(JSON.parse(Buffer.concat(chunks).toString())).toEqual(books);
  });

  it('brings one back that fails, and takes a new list while it runs', async () => {
    await using shop = await open();
    const { app, places } = shop;
    const everybody = app.get(HttpServerPool).load(places.everybody);
    everybody?.server.close();
    await eventually(() => everybody?.restarts === 1 && everybody.running);
    const servers = [{ name: 'everybody', listen: places.everybody, healthPath: '/books' }];
    const { unchanged, removed } = await app.get(PooledServers).reload(servers);
    expect([unchanged, removed.sort()]).toEqual([['everybody'], ['machine', 'old', 'proxy']]);
    expect((await fetch(`http://${places.everybody}/books`)).status).toBe(200);
    expect(existsSync(places.socket)).toBe(false);
  });

  it('stops listening when the application closes, and does not start with an address that it cannot have', async () => {
    await using shop = await open();
    const { app, places } = shop;
    await expect(openBookshop({ ...places, machine: 'nowhere', socket: `${places.socket}2` })).rejects.toThrow(
      '1 of 4 servers are not valid: machine [nowhere]',
    );
    await app.close();
    await expect(fetch(`http://${places.everybody}/books`)).rejects.toThrow();
    expect(existsSync(places.socket)).toBe(false);
  });
});
