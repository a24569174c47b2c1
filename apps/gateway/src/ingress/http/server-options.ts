import { Inject, Injectable } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import type { AgentServerOptions } from '@berth/http-server-pool';
import { agentPortsConfig } from '../../ports/index.js';
import { MAX_REFUSED } from '../client-limits.js';
import { ingressConfig } from '../ingress.settings.js';

/** What the settings say of the HTTP servers of agents. */
@Injectable()
export class ServerOptions {
  constructor(
    @Inject(ingressConfig.KEY) private readonly ingress: ConfigType<typeof ingressConfig>,
    @Inject(agentPortsConfig.KEY) private readonly ports: ConfigType<typeof agentPortsConfig>,
  ) {}

  create(): AgentServerOptions {
    // The ingress answers the first connections above the limit; what is beyond them is dropped at once.
    return { ...this.ingress, ...this.ports, maxConnections: this.ports.maxConnections + MAX_REFUSED };
  }
}
