import { checkPolicies } from './policy-layers.js';
import { entriesOf, type PolicyPart } from './policy-schema.js';

/** What is wrong with the names of policy agents in `policies`; a line for each. @param map what is wrong with it otherwise is told elsewhere */
export function unknownAgents(map: Readonly<Record<string, PolicyPart>>, known: readonly string[]): string[] {
  if (!isFine(map)) return [];
  return Object.entries(map).flatMap(([pattern, part]) => {
    const entry = entriesOf(part).find(({ path }) => path === 'inspect.agents');
    const missing = ((entry?.value ?? []) as readonly string[]).find((name) => !known.includes(name));
    return missing === undefined ? [] : [`"${pattern}": inspect.agents: ${noSuchAgent(missing, known)}`];
  });
}

function isFine(map: Readonly<Record<string, PolicyPart>>): boolean {
  try {
    return checkPolicies(map) === undefined;
  } catch {
    return false;
  }
}

export function noSuchAgent(name: string, known: readonly string[]): string {
  const there =
    known.length === 0 ? 'there are none' : `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`;
  return `"${name}" is no policy agent; ${there} (policyAgents)`;
}
