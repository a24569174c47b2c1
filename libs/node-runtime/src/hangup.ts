import { constants, fstatSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { isatty } from 'node:tty';

/** What shows how this process was started; see {@link hangupIgnored}. */
export interface StartFacts {
  /** `_` of the environment: what bash, ksh and zsh started */
  command: string | undefined;
  /** standard input is /dev/null, open for writing only */
  unreadableInput: boolean;
  /** the parent ignores SIGHUP */
  parentIgnores: boolean;
  /** there is a terminal, and none of the standard streams leads to it, but to files or /dev/null */
  turnedFromTerminal: boolean;
}

/**
 * Whether SIGHUP was ignored when this process was started, as `nohup` and
 * `trap '' HUP` do. Node sets every ignored signal back before any of our code
 * runs (`ResetSignalHandlers` in src/node.cc; `SigIgn` of /proc/self/status has
 * lost it), so it is told by what else shows: the command that the shell
 * started; the input that GNU nohup gives in place of a terminal; a parent that
 * ignores it, from whom it is inherited; and streams that all lead away from the
 * terminal. What is started by nohup from another program than a shell, without
 * a terminal, looks like what is started without it.
 */
export function hangupIgnored(facts: StartFacts = startFacts()): boolean {
  return (
    (facts.command !== undefined && basename(facts.command) === 'nohup') ||
    facts.unreadableInput ||
    facts.parentIgnores ||
    facts.turnedFromTerminal
  );
}

function startFacts(): StartFacts {
  const input = destination(0);
  return {
    command: process.env['_'],
    unreadableInput: input === 'null' && accessMode(0) === constants.O_WRONLY,
    parentIgnores: ignoresHangup(process.ppid),
    turnedFromTerminal: hasTerminal() && input === 'null' && destination(1) !== 'other' && destination(2) !== 'other',
  };
}

function destination(stream: 0 | 1 | 2): 'null' | 'file' | 'other' {
  if (isatty(stream)) return 'other';
  const stat = fstatSync(stream);
  if (stat.isFile()) return 'file';
  return stat.isCharacterDevice() && stat.rdev === orElse(0, () => statSync('/dev/null').rdev) ? 'null' : 'other';
}

function accessMode(stream: 0 | 1 | 2): number {
  const info = orElse('', () => readFileSync(`/proc/self/fdinfo/${stream}`, 'latin1'));
  return parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? '0', 8) & 3;
}

function ignoresHangup(pid: number): boolean {
  const status = orElse('', () => readFileSync(`/proc/${pid}/status`, 'latin1'));
  // A mask in hexadecimal digits; SIGHUP is 1, the lowest bit.
  return (parseInt(/^SigIgn:\s*[0-9a-f]*([0-9a-f])$/m.exec(status)?.[1] ?? '0', 16) & 1) === 1;
}

/** Whether there is a terminal whose end would send SIGHUP; false where the system does not tell. */
export function hasTerminal(): boolean {
  const stat = orElse('', () => readFileSync('/proc/self/stat', 'latin1'));
  // Field 7, tty_nr; the name in parentheses may hold spaces.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4] ?? 0) !== 0;
}

/** What `read` gives, or the other where this system has no such file. */
function orElse<T>(other: T, read: () => T): T {
  try {
    return read();
  } catch {
    return other;
  }
}
