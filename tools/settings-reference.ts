import { describeDefault, type Program, type SettingInfo, settingsOf } from '@berth/config';
import { AGENT } from 'berth-agent';
import { GATEWAY } from 'berth-gateway';
import { describeRange } from './describe-range.ts';

const PROGRAMS = { gateway: GATEWAY, agent: AGENT };

/**
 * The page about settings with fresh tables between its marks
 * (`<!-- settings: gateway -->` … `<!-- end of settings -->`); the text around them stays.
 *
 * @throws Error when the marks of a program are missing
 */
export function withReference(page: string): string {
  return Object.entries(PROGRAMS).reduce((text, [name, program]) => {
    const start = `<!-- settings: ${name} -->\n<!-- prettier-ignore-start -->\n`;
    const end = '<!-- prettier-ignore-end -->\n<!-- end of settings -->';
    const from = text.indexOf(start);
    const to = text.indexOf(end, from);
    if (from < 0 || to < 0) throw new Error(`the marks for the settings of the ${name} are missing`);
    return `${text.slice(0, from + start.length)}\n${settingsReference(program)}\n${text.slice(to)}`;
  }, page);
}

/** A Markdown table per section of a program's settings. */
export function settingsReference(program: Program): string {
  const sections = Map.groupBy(settingsOf(program), ({ path }) => (path.includes('.') ? path.split('.')[0] : ''));
  return [...sections.values()].map((settings) => section(settings, program)).join('\n');
}

function section(settings: readonly SettingInfo[], program: Program): string {
  const path = settings[0]?.path ?? '';
  const group = path.includes('.') ? `: \`${path.split('.')[0] ?? ''}\`` : '';
  return [
    `### ${settings[0]?.section ?? ''}${group}`,
    '',
    '| setting | environment | flag | default | values | meaning |',
    '| --- | --- | --- | --- | --- | --- |',
    ...settings.map((setting) => row(setting, program)),
    '',
  ].join('\n');
}

function row(setting: SettingInfo, program: Program): string {
  const { path, env, flag, alias, kind, description, live } = setting;
  const flags = [alias, flag].filter((name) => name !== undefined);
  const shown = flags.map((name) => (kind === 'boolean' ? name.replace('--', '--[no-]') : name));
  if (program.positional === path) shown.unshift('first argument');
  const standard = describeDefault(setting).replace('default: ', '') || 'empty';
  const cells = [
    code(path),
    code(env),
    shown.map((name) => (name.startsWith('-') ? code(name) : name)).join(', '),
    standard === 'empty' || standard === 'required' ? standard : code(standard),
    describeRange(setting),
    // An agent's settings are read at start alone.
    live === true && program === GATEWAY ? `${description} *Live.*` : description,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

const code = (text: string): string => `\`${text}\``;
