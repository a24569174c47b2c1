import { isPort } from '@berth/config';
import { checkIdPattern } from '@berth/exchange';
import { overlap, type PortRange } from '@berth/port-allocator';

/** A range with the setting that it comes from. */
export interface NamedRange extends PortRange {
  readonly setting: string;
}

/**
 * `8300-8399`, or one port.
 *
 * @returns undefined when it is none
 */
function rangeOf(text: string): PortRange | undefined {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const range = { start: Number(first), end: Number(last) };
  return isPort(range.start) && isPort(range.end) && range.start <= range.end ? range : undefined;
}

/** Ranges that have passed {@link checkRanges}. */
export function rangesOf(texts: readonly string[]): PortRange[] {
  return texts.flatMap((text) => rangeOf(text) ?? []);
}

/** Several ranges in one text, with spaces between them. */
export function splitRanges(text: string): string[] {
  return text.split(/\s+/).filter((part) => part !== '');
}

/** What is wrong with a list of ranges. */
export function checkRanges(texts: readonly string[]): string | undefined {
  const wrong = texts.find((text) => typeof text !== 'string' || rangeOf(text) === undefined);
  if (wrong !== undefined) return `"${wrong}" is no port range: write 8300-8399, or one port, from 1 to 65535`;
  const common = overlap(rangesOf(texts));
  return common === undefined ? undefined : `${common.map(textOf).join(' and ')} overlap`;
}

/** What is wrong with ranges by patterns of agent ids. */
export function checkRangesByAgent(value: Readonly<Record<string, unknown>>): string | undefined {
  for (const [pattern, text] of Object.entries(value)) {
    const wrong = checkIdPattern(pattern);
    if (wrong !== undefined) return wrong;
    if (typeof text !== 'string' || text.trim() === '') return `"${pattern}" needs a port range such as 8300-8399`;
    const bad = checkRanges(splitRanges(text));
    if (bad !== undefined) return `of "${pattern}": ${bad}`;
  }
  return undefined;
}

/** Says of the first two ranges with a common port which they are; the same ranges may serve several patterns. */
export function describeOverlap(ranges: readonly NamedRange[]): { setting: string; what: string } | undefined {
  const common = overlap(ranges);
  if (common === undefined) return undefined;
  const [one, other] = common[0].setting === 'http.agentPortRange' ? [common[1], common[0]] : common;
  return { setting: one.setting, what: `${textOf(one)} overlaps ${textOf(other)} of ${other.setting}` };
}

export function textOf({ start, end }: PortRange): string {
  return start === end ? String(start) : `${start}-${end}`;
}
