import { Command } from 'commander';

/**
 * Names that somebody may have meant who wrote another one, as commander finds them for flags.
 *
 * @param written none of `names`
 * @returns those that are equally near; mostly none or one
 */
export function similarNames(written: string, names: Iterable<string>): string[] {
  // Its function for that is not exported.
  const command = new Command().helpOption(false).helpCommand(false).exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  for (const name of new Set(names)) command.command(name);
  try {
    command.parse(['--', written], { from: 'user' });
  } catch (thrown) {
    return suggestedIn((thrown as Error).message);
  }
  return [];
}

/** @param message of commander, which may end with `(Did you mean one of --a, --b?)` */
export function suggestedIn(message: string): string[] {
  return /\(Did you mean (?:one of )?(.+)\?\)$/.exec(message)?.[1]?.split(', ') ?? [];
}

/** The question; empty: there is nothing to ask for. */
export function didYouMean(names: readonly string[]): string {
  if (names.length === 0) return '';
  return `did you mean ${names.length > 1 ? 'one of ' : ''}${names.join(', ')}?`;
}
