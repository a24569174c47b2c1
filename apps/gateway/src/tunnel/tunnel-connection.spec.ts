import { jest } from '@jest/globals';
import type { BerthError } from '@berth/errors';
import { type Hello, WindowBudget } from '@berth/tunnel-protocol';
import { TunnelConnection } from './tunnel-connection.js';

const HELLO: Hello = {
  versions: [1],
  agentId: 'web-1',
  token: '',
  features: [],
  limits: { maxExchanges: 1, initialWindowBytes: 1 },
  connections: 1,
  metadata: {},
  instanceId: 'one',
  softwareVersion: '',
  portKind: '',
  services: [],
};

/** One whose handshake may take 1000 ms. */
function make(): { connection: TunnelConnection; refusals: string[] } {
  const nothing = (): void => undefined;
  const refusals: string[] = [];
  const connection = new TunnelConnection(
    { send: nothing, close: nothing },
    {
      remoteAddress: '192.0.2.1:1',
      certificate: undefined,
      certificateRequired: false,
      call: { accept: nothing, end: nothing, onGivenUp: nothing },
    },
    {
      handshakeTimeoutMs: 1000,
      pingIntervalMs: 0,
      pingTimeoutMs: 0,
      token: '',
      publicHost: '',
      window: { startBytes: 1, maxBytes: 1, budget: new WindowBudget(1) },
      sendAheadBytes: 1,
      maxControlBytes: 1000,
    },
    {
      hello: nothing,
      offered: () => undefined,
      fault: nothing,
      ended: nothing,
      refuse: (_, { code, message }: BerthError) => void refusals.push(`${code}: ${message}`),
    },
  );
  return { connection, refusals };
}

describe('a handshake that takes too long', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('is refused for the Hello that did not come', () => {
    const { refusals } = make();
    jest.advanceTimersByTime(1000);
    expect(refusals).toEqual(['BERTH_HANDSHAKE_TIMEOUT: no Hello within 1000 ms (tunnel.handshakeTimeoutMs)']);
  });

  it('or for the ports that did not open, once its Hello is there', () => {
    const { connection, refusals } = make();
    connection.identify(HELLO);
    jest.advanceTimersByTime(1000);
    expect(refusals).toEqual([
      'BERTH_HANDSHAKE_TIMEOUT: its ports were not open within 1000 ms (tunnel.handshakeTimeoutMs)',
    ]);
  });
});
