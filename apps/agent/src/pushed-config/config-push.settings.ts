import { File, Integer, List, MAX_MS } from '@berth/config';

export class ConfigPushSettings {
  @File({
    description:
      'File that a configuration pushed by the gateway is written to, in place of the one before; empty: none.',
  })
  file = '';

  @List({
    check: (command: readonly string[]) => (command[0] === '' ? 'names no program' : undefined),
    description:
      'Program with its arguments that a pushed configuration is given to on standard input, after it was written to the file; run without a shell. Exit code 0 accepts it. Empty: none.',
  })
  command: string[] = [];

  @Integer(1, MAX_MS, { description: 'Time until the command must have ended; the gateway waits for 10 s.' })
  timeoutMs = 8000;
}
