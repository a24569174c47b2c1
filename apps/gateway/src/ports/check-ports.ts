import type { Frozen, Report } from '@berth/config';
import { isWildcard } from '@berth/node-runtime';
import type { PortRange } from '@berth/port-allocator';
import type { AgentPortsSettings } from './agent-ports.settings.js';
import { describeOverlap, type NamedRange, rangesOf, splitRanges, textOf } from './port-ranges.js';

const MAIN = 'http.agentPortRange';
const BOUNDS = [`${MAIN}.start`, `${MAIN}.end`];

/** A port of the gateway itself. */
type OwnPort = readonly [setting: string, port: number, name: string, host: string];

/**
 * Rules between the settings of ports: which may not have one in common.
 *
 * @param own ports of the gateway itself, with their settings
 */
export function checkPorts(
  main: Frozen<PortRange>,
  settings: Frozen<AgentPortsSettings>,
  own: readonly OwnPort[],
  report: Report,
): void {
  const { start, end } = main;
  if (start > end) report(MAIN, `start ${start} is above end ${end}`, ...BOUNDS);
  const ranges = [{ start, end, setting: MAIN }, ...furtherRanges(settings)];
  const common = describeOverlap(ranges);
  const others = ['agentPorts.ranges', 'agentPorts.rangesByAgent'];
  if (common !== undefined) report(common.setting, common.what, ...BOUNDS, ...others);
  const named = rangesOf(settings.requestable).map((range) => ({ ...range, setting: 'agentPorts.requestable' }));
  checkOwn(own, report);
  for (const [setting, port, name] of own) {
    const range = [...ranges, ...named].find((it) => port >= it.start && port <= it.end);
    if (range !== undefined) {
      const what = `${port} lies in ${range.setting}, ${textOf(range)}: move one of them`;
      report(setting, what, ...BOUNDS, range.setting);
    }
    for (const [id, taken] of Object.entries(settings.static)) {
      if (taken === port) report('agentPorts.static', `port ${port} of agent "${id}" is the ${name} port`, setting);
    }
  }
}

/** Two servers of the gateway cannot have one port; on addresses of their own they could, which hosts' names do not tell. */
function checkOwn(own: readonly OwnPort[], report: Report): void {
  own.forEach(([setting, port, , host], index) => {
    const same = own.slice(0, index).find((other) => other[1] === port && port !== 0 && meet(host, other[3]));
    if (same !== undefined)
      report(setting, `${port} is the ${same[2]} port as well (${same[0]}): move one of them`, same[0]);
  });
}

function meet(host: string, other: string): boolean {
  return host === other || isWildcard(host) || isWildcard(other);
}

/** Ranges that several patterns share count once. */
function furtherRanges({ ranges, rangesByAgent }: Frozen<AgentPortsSettings>): NamedRange[] {
  const shared = new Set(Object.values(rangesByAgent).map((text) => splitRanges(text).join(' ')));
  return [
    ...rangesOf(ranges).map((range) => ({ ...range, setting: 'agentPorts.ranges' })),
    ...[...shared].flatMap((text) =>
      rangesOf(splitRanges(text)).map((range) => ({ ...range, setting: 'agentPorts.rangesByAgent' })),
    ),
  ];
}
