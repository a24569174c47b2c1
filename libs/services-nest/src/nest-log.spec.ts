import { Logger, type LoggerService } from '@nestjs/common';
import { nestLog } from './nest-log.js';

describe('nestLog', () => {
  const lines: unknown[][] = [];
  const write =
    (level: string) =>
    (...line: unknown[]): void =>
      void lines.push([level, ...line]);

  beforeAll(() => {
    const { log, error, warn, debug } = {
      log: write('log'),
      error: write('error'),
      warn: write('warn'),
      debug: write('debug'),
    };
    Logger.overrideLogger({ log, error, warn, debug } satisfies LoggerService);
  });
  beforeEach(() => void lines.splice(0));
  afterAll(() => {
    Logger.overrideLogger(true);
  });

  it('writes message and fields with the level and context of Nest', () => {
    const log = nestLog();
    log.debug('text alone');
    log.info({ agent: 'a.B' }, 'agent started');
    log.warn({}, 'no fields');
    log.error({ err: new Error('why') }, 'failed');
    expect(lines).toEqual([
      ['debug', 'text alone', 'Services'],
      ['log', 'agent started {"agent":"a.B"}', 'Services'],
      ['warn', 'no fields', 'Services'],
      ['error', 'failed {"err":"why"}', undefined, 'Services'],
    ]);
  });
});
