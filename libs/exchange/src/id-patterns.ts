import { isAgentId } from './agent-id.js';

/** What is wrong with a pattern for agent ids: an id, or one with `*` for any number of characters. */
export function checkIdPattern(pattern: string): string | undefined {
  // As an id it must be possible with something in place of each star.
  const isWrong = !isAgentId(pattern.replace(/\*+/g, 'a'));
  return isWrong ? `"${pattern}" is no agent id, exact or with * for any characters` : undefined;
}

/**
 * Judges a setting that gives words to patterns for agent ids.
 *
 * @param words those that are possible
 */
export function checkPatternWords(words: readonly string[]) {
  return (value: Readonly<Record<string, unknown>>): string | undefined => {
    for (const [pattern, word] of Object.entries(value)) {
      const wrong = checkIdPattern(pattern);
      if (wrong !== undefined) return wrong;
      if (!words.some((known) => known === word)) return `"${pattern}" must be one of ${words.join(', ')}`;
    }
    return undefined;
  };
}

/** Something for each agent id, by exact ids and by patterns with `*`. */
export class IdPatterns<T> {
  private readonly exact = new Map<string, T>();
  private readonly wild: { readonly parts: readonly string[]; readonly value: T }[] = [];

  /** @param entries pattern and value; of patterns that fit an id the first counts, after the exact ones */
  constructor(entries: Iterable<readonly [pattern: string, value: T]>) {
    for (const [pattern, value] of entries) {
      if (!pattern.includes('*')) this.exact.set(pattern, value);
      else this.wild.push({ parts: pattern.split(/\*+/), value });
    }
  }

  /** What belongs to an id; undefined when nothing does. */
  find(agentId: string): T | undefined {
    return this.exact.get(agentId) ?? this.wild.find(({ parts }) => fits(agentId, parts))?.value;
  }
}

/** Whether a text is made of these parts with anything between them. A regular expression may take for ever over many stars. */
function fits(text: string, parts: readonly string[]): boolean {
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let from = first.length;
  for (const part of parts.slice(1, -1)) {
    const at = text.indexOf(part, from);
    if (at === -1) return false;
    from = at + part.length;
  }
  return from + last.length <= text.length;
}
