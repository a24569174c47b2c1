import { styleText } from 'node:util';

export type StyleFormat = Parameters<typeof styleText>[0];

/** Colours a text, or leaves it as it is. */
export type Style = (format: StyleFormat, text: string) => string;

export const plain: Style = (_format, text) => text;

/** Colours where a standard stream is a terminal that has some; NO_COLOR and FORCE_COLOR count, as Node takes them. */
export function styleFor(stream: 1 | 2): Style {
  const target = stream === 1 ? process.stdout : process.stderr;
  // Asked once: each question looks at the stream and the environment.
  if (styleText('red', ' ', { stream: target }) === ' ') return plain;
  return (format, text) => styleText(format, text, { validateStream: false });
}
