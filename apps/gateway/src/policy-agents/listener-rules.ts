import type { Frozen } from '@berth/config';
import { isLoopback } from '@berth/node-runtime';
import { addressOf } from './agent-checks.js';
import { agentOf, checkAgents, type AgentSettings } from './agent-schema.js';
import type { PolicyAgentsSettings, PolicyListenerSettings } from './policy-agents.settings.js';

type Listener = Frozen<PolicyListenerSettings>;

/** What is wrong with the listener for agents that dial, and with agents beside it: path and what. @param agents maybe wrong themselves */
export function listenerFaults(
  listener: Listener,
  agents: Frozen<PolicyAgentsSettings>,
): [path: string, what: string][] {
  const { path, port, tls } = listener;
  const faults: [string, string][] = [];
  if (path !== '' && port !== 0)
    faults.push(['policyListener.path', 'is given beside policyListener.port; give one of them']);
  if ((tls.certFile === '') !== (tls.keyFile === ''))
    faults.push(['policyListener.tls.certFile', 'goes with policyListener.tls.keyFile; give both']);
  if (tls.caFile !== '' && tls.certFile === '')
    faults.push(['policyListener.tls.caFile', 'has no effect without policyListener.tls.certFile']);
  if (tls.certFile !== '' && port === 0)
    faults.push(['policyListener.tls.certFile', 'is for the TCP listener: set policyListener.port']);
  if (!isFine(agents)) return faults;
  for (const [name, part] of Object.entries(agents)) {
    const wrong = misfit(agentOf(part), listener);
    if (wrong !== undefined) faults.push(['policyAgents', `"${name}": ${wrong}`]);
  }
  return faults;
}

/** What is wrong with them by themselves is told elsewhere. */
function isFine(agents: Frozen<PolicyAgentsSettings>): boolean {
  try {
    return checkAgents(agents) === undefined;
  } catch {
    return false;
  }
}

/** What keeps an agent from being reached by this gateway, or makes that anybody's game. */
export function misfit({ address, token }: AgentSettings, { host, path, port, tls }: Listener): string | undefined {
  if (addressOf(address)?.kind !== 'reverse') return undefined;
  if (path === '' && port === 0) return 'address: reverse needs policyListener.path or policyListener.port';
  if (port !== 0 && token === '' && tls.caFile === '' && !isLoopback(host))
    return `token: is needed because policyListener.host, ${host}, is reached from other machines`;
  return undefined;
}
