import { describeDefault, describeRange } from './describe.js';
import { sectionTitle } from './flag-help.js';
import { AGENT_SCHEMA, GATEWAY_SCHEMA, type Schema, type SettingInfo } from './setting-list.js';

const SCHEMAS = { gateway: GATEWAY_SCHEMA, agent: AGENT_SCHEMA };

/**
 * The page about settings with fresh tables between its marks
 * (`<!-- settings: gateway -->` … `<!-- end of settings -->`); the text around them stays.
 *
 * @throws Error when the marks of a program are missing
 */
export function withReference(page: string): string {
  return Object.entries(SCHEMAS).reduce((text, [name, schema]) => {
    const start = `<!-- settings: ${name} -->\n<!-- prettier-ignore-start -->\n`;
    const end = '<!-- prettier-ignore-end -->\n<!-- end of settings -->';
    const from = text.indexOf(start);
    const to = text.indexOf(end, from);
    if (from < 0 || to < 0) throw new Error(`the marks for the settings of the ${name} are missing`);
    return `${text.slice(0, from + start.length)}\n${settingsReference(schema)}\n${text.slice(to)}`;
  }, page);
}

/** A Markdown table per section of a program's settings. */
export function settingsReference(schema: Schema): string {
  const sections = Map.groupBy(schema.settings, ({ path }) => (path.includes('.') ? path.split('.')[0] : ''));
  return [...sections.values()].map((settings) => section(settings, schema)).join('\n');
}

function section(settings: readonly SettingInfo[], schema: Schema): string {
  const path = settings[0]?.path ?? '';
  const group = path.includes('.') ? `: \`${path.split('.')[0] ?? ''}\`` : '';
  return [
    `### ${sectionTitle(path)}${group}`,
    '',
    '| setting | environment | flag | default | values | meaning |',
    '| --- | --- | --- | --- | --- | --- |',
    ...settings.map((setting) => row(setting, schema)),
    '',
  ].join('\n');
}

function row(setting: SettingInfo, schema: Schema): string {
  const { path, env, flag, alias, kind, description } = setting;
  const flags = [alias, flag].filter((name) => name !== undefined);
  const shown = flags.map((name) => (kind === 'boolean' ? name.replace('--', '--[no-]') : name));
  if (schema.positional === path) shown.unshift('first argument');
  const standard = describeDefault(setting).replace('default: ', '') || 'empty';
  const cells = [
    code(path),
    code(env),
    shown.map((name) => (name.startsWith('-') ? code(name) : name)).join(', '),
    standard === 'empty' || standard === 'required' ? standard : code(standard),
    describeRange(setting),
    description,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

const code = (text: string): string => `\`${text}\``;
