import type { IncomingMessage } from 'node:http';
import { defaultGatewaySettings } from '../gateway-settings.js';
import { BerthError } from '@berth/errors';
import { AdminAccess } from './admin-access.js';

describe('AdminAccess without a token', () => {
  const ask = (localAddress: string | undefined, insecure = false): string => {
    const settings = defaultGatewaySettings({ admin: { insecure } });
    const access = new AdminAccess(settings.http, settings.admin);
    try {
      access.checkToken({ headers: {}, socket: { localAddress } } as unknown as IncomingMessage);
    } catch (thrown) {
      return BerthError.from(thrown).code;
    }
    return 'open';
  };

  // An application that embeds the gateway listens where it likes: the connection tells.
  it('is open at addresses of this machine alone', () => {
    for (const address of ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1', undefined])
      expect([address, ask(address)]).toEqual([address, 'open']);
    for (const address of ['192.0.2.1', '10.0.0.1', '2001:db8::1', '::ffff:10.0.0.1', 'fe80::1%eth0'])
      expect([address, ask(address)]).toEqual([address, 'BERTH_UNAUTHENTICATED']);
  });

  it('is open everywhere where a setting says so', () => {
    expect(ask('192.0.2.1', true)).toBe('open');
  });
});
