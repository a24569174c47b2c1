import { Inject, Injectable } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { IdPatterns } from '@berth/exchange';
import { LimitedLog, type Log } from '@berth/observability';
import type { PortAllocatorOptions, PortGroup } from '@berth/port-allocator';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { agentPortsConfig } from './agent-ports.settings.js';
import { LeaseRecords } from './lease-records.js';
import { portRangeConfig } from './port-range.settings.js';
import { rangesOf, splitRanges } from './port-ranges.js';

/** What the settings say of the ports that agents are given, and what is remembered of them. */
@Injectable()
export class AllocatorOptions {
  constructor(
    @Inject(portRangeConfig.KEY) private readonly range: ConfigType<typeof portRangeConfig>,
    @Inject(agentPortsConfig.KEY) private readonly ports: ConfigType<typeof agentPortsConfig>,
    private readonly leases: LeaseRecords,
    @Inject(GATEWAY_LOG) private readonly log: Log,
  ) {}

  create(): PortAllocatorOptions {
    const { static: fixed, ranges, rangesByAgent, requestable, foreignMs } = this.ports;
    // Each agent that finds no port can cause one, as often as it tries.
    const limited = new LimitedLog(this.log);
    return {
      range: this.range,
      moreRanges: rangesOf(ranges),
      groups: groupsOf(rangesByAgent),
      static: fixed,
      requestable: rangesOf(requestable),
      leases: this.leases,
      foreignMs,
      warn: (message, fields) => {
        limited.warn(fields, message);
      },
    };
  }
}

/** Patterns with the same ranges are one group. */
function groupsOf(rangesByAgent: Readonly<Record<string, string>>): PortGroup[] {
  const normal = (text: string): string => splitRanges(text).join(' ');
  const patterns = new IdPatterns(Object.entries(rangesByAgent).map(([id, text]) => [id, normal(text)]));
  const byRanges = Map.groupBy(Object.entries(rangesByAgent), ([, text]) => normal(text));
  return [...byRanges].map(([text, entries]) => ({
    agents: entries.map(([pattern]) => pattern),
    ranges: rangesOf(splitRanges(text)),
    includes: (agentId) => patterns.find(agentId) === text,
  }));
}
