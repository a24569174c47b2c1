import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { LimitedLog, type Log } from '@berth/observability';
import { ClientLimits, ClientTotal, type ConnectionLimits } from './client-limits.js';

class FakeSocket extends EventEmitter {
  cutOff = false;
  constructor(readonly remoteAddress: string) {
    super();
  }
  resetAndDestroy(): void {
    this.cutOff = true;
    this.emit('close');
  }
  destroy(): void {
    this.emit('close');
  }
}

function setUp(limits: Partial<ConnectionLimits>): {
  ports: ClientLimits[];
  lines: [string, object, string][];
  admit: (port: number, address: string) => { socket: FakeSocket; code: string | undefined };
} {
  const lines: [string, object, string][] = [];
  const at = (level: string) => (fields: object, message: string) => void lines.push([level, fields, message]);
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } as unknown as Log;
  const total = new ClientTotal(
    { maxConnections: 100, maxConnectionsPerAddress: 100, maxTotalConnections: 100, ...limits },
    log,
  );
  const limited = new LimitedLog(log);
  const ports = ['one', 'two'].map((id) => new ClientLimits(id, total, limited));
  return {
    ports,
    lines,
    admit: (port, address) => {
      const socket = new FakeSocket(address);
      return { socket, code: ports[port]?.admit(socket as unknown as Socket)?.code };
    },
  };
}

describe('ClientLimits', () => {
  it('one address has so many connections on a port, another address and another port are its own', () => {
    const { admit, lines } = setUp({ maxConnectionsPerAddress: 2 });
    const first = admit(0, '10.0.0.1');
    expect(admit(0, '::ffff:10.0.0.1').code).toBeUndefined();
    expect(admit(0, '10.0.0.1').code).toBe('BERTH_CLIENT_LIMIT');
    expect(admit(0, '10.0.0.2').code).toBeUndefined();
    expect(admit(1, '10.0.0.1').code).toBeUndefined();
    first.socket.destroy();
    expect(admit(0, '10.0.0.1').code).toBeUndefined();
    expect(lines.map(([level, fields]) => [level, fields])).toEqual([
      ['warn', { agentId: 'one', address: '10.0.0.1', maxConnectionsPerAddress: 2 }],
    ]);
  });

  it('a port takes so many connections', () => {
    const { admit } = setUp({ maxConnections: 1 });
    expect(admit(0, '10.0.0.1').code).toBeUndefined();
    expect(admit(0, '10.0.0.2').code).toBe('BERTH_TOO_MANY_CLIENTS');
    expect(admit(1, '10.0.0.2').code).toBeUndefined();
  });

  it('all ports together take so many, told once per episode and with the count at its end', () => {
    const { admit, lines } = setUp({ maxTotalConnections: 20 });
    const taken = Array.from({ length: 20 }, (_, i) => admit(i % 2, '10.0.0.1'));
    for (let i = 0; i < 5; i += 1) expect(admit(0, '10.0.0.2').code).toBe('BERTH_TOO_MANY_CLIENTS');
    taken[0]?.socket.destroy();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toEqual([
      'error',
      { connections: 20, maxTotalConnections: 20 },
      expect.stringContaining('ulimit'),
    ]);
    taken[1]?.socket.destroy();
    expect(lines.slice(1)).toEqual([['info', { connections: 18, refused: 5 }, 'client connections are taken again']]);
    expect(admit(0, '10.0.0.2').code).toBeUndefined();
  });

  it('of those above the limit a few stand until they have been told, the others are cut off', () => {
    const { admit } = setUp({ maxTotalConnections: 32 });
    for (let i = 0; i < 32; i += 1) admit(0, '10.0.0.1');
    const refused = Array.from({ length: 10 }, () => admit(0, '10.0.0.1').socket.cutOff);
    expect(refused.indexOf(true)).toBe(8);
    expect(refused.filter(Boolean)).toHaveLength(2);
  });
});
