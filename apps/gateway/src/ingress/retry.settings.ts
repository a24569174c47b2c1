import { Integer, MAX_MS } from '@berth/config';

/** How many requests to an agent are tried once more on another connection. When everything fails, more would be a storm. */
export class RetrySettings {
  @Integer(0, 100, {
    unit: '%',
    description: 'Part of the requests to an agent that may be tried once more; with `minimum` 0 as well: none is.',
    live: true,
  })
  percent = 20;

  @Integer(0, 1_000_000, {
    description: 'Second tries to an agent that are allowed in any case within windowMs.',
    live: true,
  })
  minimum = 100;

  @Integer(10, MAX_MS, { description: 'Time over which requests and second tries are counted.', live: true })
  windowMs = 10_000;
}
