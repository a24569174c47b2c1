/** Control characters, C1 and what turns the direction of text: a terminal would obey them, or a line would break. */
const OBEYED = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** A text of somebody else as a terminal may have it: on one line, and with nothing that the terminal would obey. */
export function printable(text: string): string {
  return text.replace(OBEYED, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
}

/**
 * The beginning of a text, with an ellipsis where something is left out.
 *
 * @param length characters at the most, at least 1
 */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
