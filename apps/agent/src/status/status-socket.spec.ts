import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { Child, disposable, eventually } from '@berth/testing';
import type { AgentStatus } from './agent-status.js';
import { askAgents } from './ask-status.js';
import { claimFolder, ownUid, type StatusPlace } from './status-folder.js';
import { listenForStatus } from './status-socket.js';

const STATUS: AgentStatus = {
  id: 'kiosk-7',
  pid: 1,
  version: '1.0.0',
  started_at: '2026-01-01T00:00:00.000Z',
  gateway: 'gw:9090',
  connected: true,
  since: '2026-01-01T00:00:00.000Z',
  reason: null,
  next_attempt_at: null,
  services: [{ name: 'default', target: 'http://localhost:3000', url: 'http://gw:8100', answering: true, message: '' }],
  in_flight: 0,
  exchanges: 1,
  failed: 0,
  resident_memory_bytes: 1,
};

let root: string;
let folder: string;
let place: StatusPlace;
const info = jest.fn();
const log = { info, warn: jest.fn(), debug: jest.fn(), error: jest.fn() };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'berth-status-'));
  folder = join(root, 'berth');
  // An id that has no session of its own on any machine.
  place = { env: { XDG_RUNTIME_DIR: root }, tmp: join(root, 'none'), units: join(root, 'units') };
  info.mockClear();
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const listen = async (status: object = STATUS, at = place): Promise<AsyncDisposable> => {
  const socket = listenForStatus(() => status as AgentStatus, log as never, at);
  await eventually(() => readdirSync(folder).length > 0);
  return disposable(socket, () => {
    socket.close();
  });
};

describe('status socket', () => {
  it('answers in a folder that nobody else can enter, and is gone at the end', async () => {
    {
      await using _one = await listen();
      await using _two = await listen({ ...STATUS, id: 'a' });
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      const { agents, notes } = await askAgents(place);
      expect(agents.map(({ id }) => id)).toEqual(['a', 'kiosk-7']);
      expect(agents[1]).toEqual(STATUS);
      expect(notes).toEqual([]);
    }
    expect(readdirSync(folder)).toEqual([]);
    expect(await askAgents(place)).toEqual({ agents: [], notes: [] });
  });

  it.each<[what: string, put: () => void]>([
    ['is no folder', () => symlinkSync(tmpdir(), folder)],
    ['is open to other users', () => mkdirSync(folder, { mode: 0o755 })],
    [
      'is in a folder that others can change',
      () => {
        mkdirSync(folder, { mode: 0o700 });
        chmodSync(root, 0o777);
      },
    ],
  ])('uses no folder that %s, says so, and the agent goes on', async (what, put) => {
    put();
    chmodSync(folder, what === 'is open to other users' ? 0o755 : 0o700);
    expect(() => claimFolder({ ...place, uid: ownUid() })).toThrow(`${folder} ${what}`);
    expect((await askAgents(place)).notes[0]).toContain(`${folder} is passed over: it ${what}`);
  });

  it('uses no folder of another user', () => {
    mkdirSync(folder, { mode: 0o700 });
    expect(() => claimFolder({ ...place, uid: ownUid() + 70_000 })).toThrow(`${folder} belongs to another user`);
    rmSync(folder, { recursive: true });
    // Made by us for them: what an attacker would do.
    const other = listenForStatus(() => STATUS, log as never, { ...place, uid: ownUid() + 70_000 });
    expect(other.path).toBeUndefined();
    expect(info).toHaveBeenCalledTimes(1);
    other.close();
  });

  it('takes the next folder where the first cannot be used', () => {
    symlinkSync(tmpdir(), folder);
    const tmp = join(root, 'tmp');
    mkdirSync(tmp);
    // Without a session of this user, which a machine may have.
    const claimed = claimFolder({ ...place, tmp });
    expect([join(tmp, `berth-${ownUid()}`), `/run/user/${ownUid()}/berth`]).toContain(claimed);
  });

  it('notices what a killed agent left, and removes it', async () => {
    mkdirSync(folder, { mode: 0o700 });
    const path = join(folder, 'agent-7-abcdef.sock');
    {
      const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
      await using killed = new Child(process.execPath, ['-e', code]);
      await killed.printed(/up/);
    }
    expect((await askAgents(place)).notes).toEqual([`${path} does not answer: ECONNREFUSED`]);
    utimesSync(path, 1, 1);
    expect((await askAgents(place)).notes).toEqual([
      `${path} was left by an agent that did not end in order; it is removed`,
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['nothing but words', 'hello'],
    ['a status with a part missing', JSON.stringify({ ...STATUS, services: [{}] })],
    ['without end', 'x'.repeat(1_000_000)],
  ])('passes over a socket that says %s', async (_, said) => {
    await using _one = await listen();
    const server = createServer((socket) => socket.on('error', () => undefined).end(said));
    await using _server = disposable(server, () => server.close());
    server.listen(join(folder, 'agent-8-abcdef.sock'));
    const { agents, notes } = await askAgents(place);
    expect(agents).toHaveLength(1);
    expect(notes).toEqual([expect.stringContaining('agent-8-abcdef.sock does not answer: it says')]);
  });

  it('lets nothing steer the terminal', async () => {
    await using _one = await listen({ ...STATUS, gateway: '\u001b[2Jx\u009b1m' });
    expect((await askAgents(place)).agents[0]?.gateway).toBe('?[2Jx?1m');
  });
});
