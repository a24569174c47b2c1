import { short } from './numbers.js';
import { meets, type Figure } from './scenario.js';

/** Columns as wide as they must be; the first to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

export function figureTable(figures: readonly Figure[]): string {
  return table(
    ['figure', 'value', 'goal', 'verdict'],
    figures.map((figure) => [
      figure.name,
      `${short(figure.value)} ${figure.unit}`.trim(),
      goalText(figure),
      verdict(figure),
    ]),
  );
}

function goalText({ goal }: Figure): string {
  if (goal === undefined) return '';
  return 'atMost' in goal ? `<= ${goal.atMost}` : `>= ${goal.atLeast}`;
}

/** A missed goal is said with how far off it is. */
function verdict(figure: Figure): string {
  const { goal, value } = figure;
  const met = meets(figure);
  if (goal === undefined || met === undefined) return '';
  if (met) return 'met';
  const limit = 'atMost' in goal ? goal.atMost : goal.atLeast;
  if (limit === 0) return 'missed';
  return `missed by ${short((Math.abs(value - limit) / limit) * 100)} %`;
}
