import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { hangupIgnored, hasTerminal } from './hangup.js';

const nothing = (): void => undefined;

/**
 * Signals that must not end a program, or open a debugger, from its first
 * moments on: SIGUSR1, SIGUSR2, and SIGHUP where it was ignored
 * at start.
 */
export function ignoreSignals(): void {
  process.on('SIGUSR1', nothing);
  process.on('SIGUSR2', nothing);
  if (hangupIgnored()) process.on('SIGHUP', nothing);
}

/**
 * The first of SIGTERM, SIGINT and SIGHUP ends in order; another ends at once
 * with 128 and its number (checklist A14). SIGHUP does nothing where it was
 * ignored at start, and never ends at once: a terminal that closes sends it
 * twice, through the kernel and through the shell. A program that can look its
 * settings up again does that instead where it has no terminal that could
 * close, as services and containers.
 *
 * @param end begins the orderly end, which calls `process.exit` itself
 * @param reload looks the settings up again
 */
export function endOnSignals(end: () => void, reload?: () => void): void {
  let ending = false;
  const onSignal = (signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP'): void => {
    if (ending && signal !== 'SIGHUP') process.exit(128 + constants.signals[signal]);
    if (ending) return;
    ending = true;
    end();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  if (hangupIgnored()) return;
  const onHangup = (): void => {
    if (!ending) reload?.();
  };
  process.on(
    'SIGHUP',
    reload === undefined || hasTerminal() || [0, 1, 2].some((stream) => isatty(stream)) ? onSignal : onHangup,
  );
}
