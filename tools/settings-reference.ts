import { describeDefault, type Program, type SettingInfo, settingsOf } from '@berth/config';
import { AGENT } from 'berth-agent';
import { GATEWAY, POLICY_AGENT_SETTINGS, POLICY_RULES } from 'berth-gateway';
import { describeRange } from './describe-range.ts';

const PROGRAMS = { gateway: GATEWAY, agent: AGENT };

/**
 * The page about settings with fresh tables between its marks
 * (`<!-- settings: gateway -->` … `<!-- end of settings -->`); the text around them stays.
 *
 * @throws Error when the marks of a program are missing
 */
export function withReference(page: string): string {
  return Object.entries(PROGRAMS).reduce(
    (text, [name, program]) => between(text, `settings: ${name}`, 'end of settings', settingsReference(program)),
    page,
  );
}

/** The page about rules of ports with fresh tables between `<!-- rules -->` and `<!-- end of rules -->`. */
export function withRules(page: string): string {
  const sections = Map.groupBy(POLICY_RULES, ({ section }) => section);
  const tables = [...sections].map(([section, rules]) => `### ${section}\n\n${plainTable('rule', rules)}`);
  return between(page, 'rules', 'end of rules', tables.join('\n'));
}

/** The page about policy agents with a fresh table between `<!-- policy agents -->` and `<!-- end of policy agents -->`. */
export function withPolicyAgents(page: string): string {
  return between(page, 'policy agents', 'end of policy agents', plainTable('setting', POLICY_AGENT_SETTINGS));
}

/** A table of settings that have no names in the environment and no flags. */
function plainTable(what: string, settings: readonly SettingInfo[]): string {
  const rows = settings.map((setting) => {
    const standard = describeDefault(setting).replace('default: ', '') || 'empty';
    const list = Array.isArray(setting.defaultValue) ? setting.defaultValue.join(', ') : '';
    const usual = list === '' ? standard : list;
    const shown = usual === 'empty' ? usual : code(usual);
    const cells = [code(setting.path), shown, describeRange(setting), setting.description];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [`| ${what} | default | values | meaning |`, '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

/** @throws Error when the marks are missing */
function between(page: string, mark: string, endMark: string, text: string): string {
  const start = `<!-- ${mark} -->\n<!-- prettier-ignore-start -->\n`;
  const end = `<!-- prettier-ignore-end -->\n<!-- ${endMark} -->`;
  const from = page.indexOf(start);
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`the marks for the ${mark} are missing`);
  return `${page.slice(0, from + start.length)}\n${text}\n${page.slice(to)}`;
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
  const { path, env, sharedEnv, flag, alias, kind, description, live } = setting;
  const flags = [alias, flag].filter((name) => name !== undefined);
  const shown = flags.map((name) => (kind === 'boolean' ? name.replace('--', '--[no-]') : name));
  if (program.positional === path) shown.unshift('first argument');
  const standard = describeDefault(setting).replace('default: ', '') || 'empty';
  const cells = [
    code(path),
    [sharedEnv, env].flatMap((name) => (name === undefined ? [] : [code(name)])).join(', '),
    shown.map((name) => (name.startsWith('-') ? code(name) : name)).join(', '),
    standard === 'empty' || standard === 'required' || setting.standard !== undefined ? standard : code(standard),
    describeRange(setting),
    // An agent's settings are read at start alone.
    live === true && program === GATEWAY ? `${description} *Live.*` : description,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

const code = (text: string): string => `\`${text}\``;
