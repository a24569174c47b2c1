import { checkIdPattern, IdPatterns, isServiceName, SERVICE_NAME_RULE } from '@berth/exchange';
import { entriesOf, type Policy, type PolicyEntry, policyOf, problemOf } from './policy-schema.js';

/** What somebody says of ports. */
export interface PolicyLayer {
  readonly entries: readonly PolicyEntry[];
  /** for people: where it is said */
  readonly source: string;
}

/** The same of the ports of some agents. */
interface Layer extends PolicyLayer {
  /** undefined: one agent, by its id */
  readonly agents: IdPatterns<true> | undefined;
  readonly agentId: string;
  /** undefined: all local services */
  readonly service: string | undefined;
  /** the weaker, the lower: [letters of the agent's pattern, an id without a star above all; whether it names a service] */
  readonly rank: readonly [number, number];
}

/** The rules that hold for a port, and where each comes from. */
export interface EffectivePolicy {
  readonly policy: Policy;
  /** path of a rule → where it is said; rules that nobody set are not there */
  readonly sources: ReadonlyMap<string, string>;
}

/** What is wrong with a map of `agent pattern`, or `agent pattern/service`, to parts of policies. */
export function checkPolicies(map: Readonly<Record<string, unknown>>): string | undefined {
  for (const [name, part] of Object.entries(map)) {
    const [pattern, service, ...more] = name.split('/') as [string, ...string[]];
    const wrong = checkIdPattern(pattern);
    if (wrong !== undefined) return wrong;
    if (more.length > 0 || (service !== undefined && !isServiceName(service)))
      return `"${name}": the local service must be ${SERVICE_NAME_RULE}`;
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return `"${name}" must be a group of rules`;
    const problem = problemOf(part);
    if (problem !== undefined) return `"${name}": ${problem}`;
  }
  return undefined;
}

/**
 * Policies of a file, one over the other: the more letters of the agent's id a
 * name has, the stronger it is; an exact id is the strongest, and of equal ones
 * that which names the local service.
 */
export class PolicyLayers {
  /** the weaker first */
  private readonly patterns: readonly Layer[];
  /** stronger than those, by the agent: of thousands of agents each may have some */
  private readonly exact: ReadonlyMap<string, readonly Layer[]>;
  /** the same number for the same layer, as long as it is */
  private readonly numbers: ReadonlyMap<Layer, number>;
  /** of ports without records, by the layers that fit: many ports have the same */
  private readonly made = new Map<string, EffectivePolicy>();

  /**
   * @param map checked by {@link checkPolicies}
   * @param base of all ports, weaker than any of the map
   */
  constructor(
    map: Readonly<Record<string, unknown>>,
    private readonly base: readonly PolicyLayer[] = [],
  ) {
    const layers = Object.entries(map)
      .map(([name, part]) => layerOf(name, part))
      .sort((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1]);
    this.patterns = layers.filter(({ agents }) => agents !== undefined);
    this.exact = Map.groupBy(
      layers.filter(({ agents }) => agents === undefined),
      ({ agentId }) => agentId,
    );
    this.numbers = new Map(layers.map((layer, i) => [layer, i]));
  }

  /**
   * @param records what operators have set for this very agent and service, the weaker first
   */
  effective(agentId: string, service: string, records: readonly PolicyLayer[] = []): EffectivePolicy {
    const fitting = [
      ...this.patterns.filter(({ agents }) => agents?.find(agentId) === true),
      ...(this.exact.get(agentId) ?? []),
    ];
    const own = fitting.filter((layer) => layer.service === undefined || layer.service === service);
    if (records.some(({ entries }) => entries.length > 0)) return merge([...this.base, ...own, ...records]);
    const key = own.map((layer) => this.numbers.get(layer)).join();
    const known = this.made.get(key) ?? merge([...this.base, ...own]);
    this.made.set(key, known);
    return known;
  }
}

/** The later go over the earlier. */
function merge(parts: readonly PolicyLayer[]): EffectivePolicy {
  const values = new Map<string, PolicyEntry>();
  const sources = new Map<string, string>();
  for (const { entries, source } of parts) {
    for (const entry of entries) {
      values.set(entry.path, entry);
      sources.set(entry.path, source);
    }
  }
  return { policy: policyOf(values.values()), sources };
}

function layerOf(name: string, part: unknown): Layer {
  const [pattern = '', service] = name.split('/');
  const isPattern = pattern.includes('*');
  return {
    entries: entriesOf(part),
    source: `policies."${name}"`,
    agents: isPattern ? new IdPatterns([[pattern, true]]) : undefined,
    agentId: pattern,
    service,
    rank: [isPattern ? pattern.replaceAll('*', '').length : Infinity, service === undefined ? 0 : 1],
  };
}
