import { type Frozen, inspectPem, type Report } from '@berth/config';
import { agentOf, checkAgents } from './agent-schema.js';
import type { PolicyAgentsSettings, PolicyListenerSettings } from './policy-agents.settings.js';

/** Looks at the files of all policy agents and of their listener, for `verify`. What is wrong otherwise is told elsewhere. */
export function inspectAgents(
  agents: Frozen<PolicyAgentsSettings>,
  { tls }: Frozen<PolicyListenerSettings>,
  report: Report,
): void {
  if (tls.certFile !== '') inspectPem(tls, namesIn('policyListener'), report);
  if (checkAgents(agents) !== undefined) return;
  for (const [name, part] of Object.entries(agents))
    inspectPem(agentOf(part).tls, namesIn(`policyAgents.${name}`), report);
}

function namesIn(group: string) {
  return { caFile: `${group}.tls.caFile`, certFile: `${group}.tls.certFile`, keyFile: `${group}.tls.keyFile` };
}
