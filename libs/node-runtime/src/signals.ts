import { constants } from 'node:os';
import { hangupIgnored } from './hangup.js';

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
 * twice, through the kernel and through the shell.
 *
 * @param end begins the orderly end, which calls `process.exit` itself
 */
export function endOnSignals(end: () => void): void {
  let ending = false;
  const onSignal = (signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP'): void => {
    if (ending && signal !== 'SIGHUP') process.exit(128 + constants.signals[signal]);
    if (ending) return;
    ending = true;
    end();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  if (!hangupIgnored()) process.on('SIGHUP', onSignal);
}
