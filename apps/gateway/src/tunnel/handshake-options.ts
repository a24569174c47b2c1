import type { ConfigType } from '@nestjs/config';
import { SESSION_DEFAULTS, WindowBudget } from '@berth/tunnel-protocol';
import { agentPortsConfig } from '../ports/index.js';
import { authConfig } from './grpc.settings.js';
import type { HandshakeOptions } from './handshake.js';
import { tunnelConfig } from './tunnel.settings.js';

export const HANDSHAKE_OPTIONS = Symbol('HANDSHAKE_OPTIONS');

/** What the settings say of handshakes, with the one budget that all connections share. */
export const handshakeOptions = {
  provide: HANDSHAKE_OPTIONS,
  useFactory: (
    tunnel: ConfigType<typeof tunnelConfig>,
    auth: ConfigType<typeof authConfig>,
    ports: ConfigType<typeof agentPortsConfig>,
  ): HandshakeOptions => ({
    ...tunnel,
    // Of each Hello: a new token counts for registrations from now on.
    get token() {
      return auth.token;
    },
    publicHost: ports.publicHost,
    maxControlBytes: SESSION_DEFAULTS.maxControlBytes,
    window: {
      startBytes: tunnel.windowStartBytes,
      maxBytes: tunnel.windowMaxBytes,
      budget: new WindowBudget(tunnel.windowBudgetBytes),
    },
  }),
  inject: [tunnelConfig.KEY, authConfig.KEY, agentPortsConfig.KEY],
};
