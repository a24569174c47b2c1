import { silentLog } from '@berth/observability';
import { type AgentLink, PolicyAgent } from '@berth/policy-agents';
import { MemoryStore, type RecordStore } from '@berth/state';
import { LifecycleEvents } from '../src/lifecycle/index.js';
import { AgentRecords } from '../src/policy-agents/agent-records.js';
import type { AgentMaker, AgentSurroundings } from '../src/policy-agents/configured-agent.js';
import { type FitsHere, PolicyAgents } from '../src/policy-agents/policy-agents.js';
import type { PolicyAgentsSettings } from '../src/policy-agents/policy-agents.settings.js';

interface Surroundings extends Partial<AgentSurroundings> {
  readonly settings?: PolicyAgentsSettings;
  readonly store?: RecordStore;
  readonly records?: AgentRecords;
  readonly fits?: FitsHere;
}

/** All policy agents of a gateway that has nothing else. */
export function policyAgentsLab({
  settings = {},
  store = new MemoryStore(),
  fits,
  ...over
}: Surroundings = {}): PolicyAgents {
  const log = over.log ?? silentLog;
  const around = {
    make: makerOver(() => undefined),
    reload: () => undefined,
    events: new LifecycleEvents(log),
    log,
    ...over,
  };
  return new PolicyAgents(
    settings,
    over.records ?? new AgentRecords(store, log),
    around,
    fits ?? (() => undefined),
    1_048_576,
  );
}

/** Makes agents over links that a test gives. @param linkTo undefined: it cannot be reached */
export function makerOver(linkTo: (name: string) => AgentLink | undefined): AgentMaker {
  return (name, settings, observer) => {
    const { drainMs, timeoutMs } = settings;
    const agent = new PolicyAgent(name, { drainMs, timeoutMs, pingIntervalMs: 60_000 }, {}, observer);
    const link = linkTo(name);
    if (link !== undefined) agent.add(link);
    return { agent, ready: Promise.resolve() };
  };
}
