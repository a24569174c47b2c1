/** The one rule for agent ids, at both ends and for every kind of connection (checklist A10). */
const AGENT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The rule in words: what an id must be. */
export const AGENT_ID_RULE = '1 to 64 letters, digits, dots, underscores or hyphens, the first a letter or a digit';

export function isAgentId(text: string): boolean {
  return AGENT_ID.test(text);
}
