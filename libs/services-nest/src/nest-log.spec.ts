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
    const err = new TypeError('why', { cause: new Error('deeper') });
    log.error({ err }, 'failed');
    log.error({ id: 1 }, 'without an error');
    const stack = expect.stringMatching(/^TypeError: why\n +at [^]+\ncaused by Error: deeper\n +at /) as unknown;
    expect(lines).toEqual([
      ['debug', 'text alone', 'Services'],
      ['log', 'agent started {"agent":"a.B"}', 'Services'],
      ['warn', 'no fields', 'Services'],
      ['error', 'failed {"err":"why"}', stack, 'Services'],
      ['error', 'without an error {"id":1}', undefined, 'Services'],
    ]);
  });

  it('shows bigints, cycles and fields that cannot be shown, and never throws', () => {
    const log = nestLog();
    const shared = { id: 2n ** 64n - 1n };
    const cyclic: Record<string, unknown> = { a: shared, b: shared, list: [shared] };
    cyclic['self'] = cyclic;
    cyclic['deep'] = { up: [cyclic] };
    log.warn(cyclic, 'fields');
    log.info(cyclic['deep']);
    const broken = {
      toJSON: () => {
        throw new Error('no JSON');
      },
    };
    log.error({ broken, err: new Error('why') }, 'failed');
    log.debug(undefined);
    const id = '{"id":"18446744073709551615"}';
    const inner = `{"a":${id},"b":${id},"list":[${id}],"self":"[circular]","deep":"[circular]"}`;
    expect(lines).toEqual([
      [
        'warn',
        `fields {"a":${id},"b":${id},"list":[${id}],"self":"[circular]","deep":{"up":["[circular]"]}}`,
        'Services',
      ],
      ['log', `{"up":[${inner}]}`, 'Services'],
      ['error', 'failed (fields that cannot be shown: no JSON)', expect.stringContaining('why'), 'Services'],
      ['debug', 'undefined', 'Services'],
    ]);
  });
});
