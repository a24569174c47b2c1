import { type Program, settingsOf, yaml } from '@berth/config';
import { describeRange } from './describe-range.ts';

/** What the example says where nobody can go by the default. */
const EXAMPLES: Readonly<Record<string, unknown>> = { target: 'http://localhost:3000', id: 'kiosk-7' };

/**
 * A YAML file with every setting, each with its meaning above it. Defaults are
 * commented out, so that a copy of the file sets nothing that was not meant:
 * an explicit `tls.enabled: false`, for one, is stronger than a certificate.
 */
export function exampleFile(program: Program): string {
  const settings = settingsOf(program);
  const lines = [
    `# Every setting of ${program.name}, defaults commented out.`,
    '# docs/configuration.md says more.',
    ...(settings[0]?.path.includes('.') === true ? [] : ['']),
  ];
  let parents: readonly string[] = [];
  for (const setting of settings) {
    const keys = setting.path.split('.');
    const key = keys.pop() ?? '';
    for (const [depth, parent] of keys.entries()) {
      if (parents[depth] === parent && parents.length > depth) continue;
      if (depth === 0) lines.push('', `# ${setting.section}`);
      lines.push(`${indent(depth)}${parent}:`);
    }
    parents = keys;
    const isExample = setting.path in EXAMPLES;
    const value = isExample ? EXAMPLES[setting.path] : setting.defaultValue;
    const line = yaml()
      .stringify({ [key]: value }, { singleQuote: true })
      .trimEnd();
    lines.push(`${indent(keys.length)}# ${setting.description} [${describeRange(setting)}]`);
    lines.push(indent(keys.length) + (isExample ? line : `#${line}`));
  }
  return `${lines.join('\n')}\n`;
}

const indent = (depth: number): string => '  '.repeat(depth);
