import { type Program, settingsOf } from '../program.js';

/** A flag as shells complete it. */
export interface CompletedFlag {
  /** long, or short where it is one letter: `--log-level`, `-h` */
  readonly name: string;
  /** in a few words */
  readonly meaning: string;
  /** what comes after it */
  readonly value: 'none' | 'file' | 'text' | readonly string[];
  readonly repeated: boolean;
}

const MAX_MEANING_CHARS = 90;

/** Every flag of a start, with all its names and the opposites of switches. */
export function completedFlags(program: Program): CompletedFlag[] {
  const flag = (name: string, meaning: string, value: CompletedFlag['value'] = 'none'): CompletedFlag => ({
    name,
    meaning,
    value,
    repeated: false,
  });
  const settings = settingsOf(program).flatMap(({ alias, flag: long, kind, choices = [], description }) => {
    const names = [alias, long].flatMap((name) => name ?? []);
    const meaning = inShort(description);
    if (kind === 'boolean')
      return names.flatMap((name) => [flag(name, meaning), flag(name.replace('--', '--no-'), `Not: ${meaning}`)]);
    const value: CompletedFlag['value'] = kind === 'file' ? 'file' : kind === 'choice' ? choices : 'text';
    const repeated = kind === 'list' || kind === 'ports' || kind === 'texts';
    return names.map((name) => ({ name, meaning, value, repeated }));
  });
  return [
    ...settings,
    flag('--config', 'YAML file with settings', 'file'),
    flag('--print-config', 'print the settings that result, and end'),
    ...['-h', '--help'].map((name) => flag(name, 'print help')),
    flag('--help-all', 'print help with every flag'),
    ...['-v', '--version'].map((name) => flag(name, 'print the version')),
  ];
}

/** The first sentence, or its beginning. */
function inShort(description: string): string {
  const [sentence = ''] = description.split(/[.;:] |[.;:]$/);
  return sentence.length > MAX_MEANING_CHARS ? `${sentence.slice(0, MAX_MEANING_CHARS - 1)}…` : sentence;
}
