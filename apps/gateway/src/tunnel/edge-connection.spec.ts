import { Socket } from 'node:net';
import { jest } from '@jest/globals';
import { EdgeConnection, type EdgeOwner } from './edge-connection.js';
import { Newcomers } from './newcomers.js';

describe('EdgeConnection', () => {
  let now = 0;
  beforeEach(() => {
    now = 0;
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('has its time for a handshake from when it is read, however long it waited for its turn', () => {
    const failures: string[] = [];
    const owner: EdgeOwner = {
      limits: { handshakeTimeoutMs: 100, maxHelloBytes: 1000 },
      newcomers: new Newcomers({ total: 9, perAddress: 9, now: () => now }),
      now: () => now,
      handshakeFailed: (_, reason) => failures.push(reason),
    };
    const pass = (ms: number): void => {
      now += ms;
      jest.advanceTimersByTime(ms);
    };
    using socket = Object.assign(new Socket(), { [Symbol.dispose]: () => socket.destroy() });
    const connection = new EdgeConnection(socket, owner, () => undefined);
    pass(60_000);
    connection.read();
    // A second more is for the status to leave.
    pass(1050);
    expect([failures, socket.destroyed]).toEqual([[], false]);
    pass(50);
    expect([failures, socket.destroyed]).toEqual([['timeout'], true]);
  });
});
