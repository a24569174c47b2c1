/** The one rule for agent ids, at both ends and for every kind of connection (checklist A10). */
const AGENT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The rule in words: what an id must be. */
export const AGENT_ID_RULE = '1 to 64 letters, digits, dots, underscores or hyphens, the first a letter or a digit';

/** And for names of local services: what a path of the admin API and a label of a metric can carry as it is. */
const SERVICE_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** That rule in words: what a name must be. */
export const SERVICE_NAME_RULE = '1 to 32 of a-z 0-9 - with a letter or digit first';

/** The local service of an agent that names none. */
export const DEFAULT_SERVICE = 'default';

export function isServiceName(text: string): boolean {
  return SERVICE_NAME.test(text);
}

export function isAgentId(text: string): boolean {
  return AGENT_ID.test(text);
}
