import { Inject, Injectable } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import type { Log } from '@berth/observability';
import type { PortAllocatorOptions } from '@berth/port-allocator';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { agentPortsConfig } from './agent-ports.settings.js';
import { portRangeConfig } from './port-range.settings.js';

/** What the settings say of the ports that agents are given. */
@Injectable()
export class AllocatorOptions {
  constructor(
    @Inject(portRangeConfig.KEY) private readonly range: ConfigType<typeof portRangeConfig>,
    @Inject(agentPortsConfig.KEY) private readonly ports: ConfigType<typeof agentPortsConfig>,
    @Inject(GATEWAY_LOG) private readonly log: Log,
  ) {}

  create(): PortAllocatorOptions {
    return {
      range: this.range,
      static: this.ports.static,
      foreignMs: this.ports.foreignMs,
      warn: (message, fields) => {
        this.log.warn(fields, message);
      },
    };
  }
}
