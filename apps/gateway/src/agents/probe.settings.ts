import { Integer, MAX_MS, Text } from '@berth/config';

/** Requests of the gateway itself, through the tunnel, that show whether local services answer (checklist C13). */
export class ProbeSettings {
  @Text({
    check: (path) =>
      path === '' || /^\/[\x21-\x7e]*$/.test(path) ? undefined : 'must begin with / and have no spaces, or be empty',
    description:
      'Path that is asked of the local service behind each replica; an answer below 500 is a good one. Empty: nothing is asked.',
  })
  path = '';

  @Integer(1000, MAX_MS, { description: 'Time between two such requests to a replica.' })
  intervalMs = 10_000;

  @Integer(1, MAX_MS, { description: 'Time until the head of the answer must have come.' })
  timeoutMs = 2000;

  @Integer(1, 1000, { description: 'Bad answers in a row from which on a replica is unhealthy.' })
  fall = 3;

  @Integer(1, 1000, { description: 'Good answers in a row that make it healthy again.' })
  rise = 2;
}
