import { validateHeaderName } from 'node:http';
import { Choice, File, Integer, Switch, Text, Texts } from '@berth/config';
import { checkPatternWords } from '@berth/exchange';

const AFFINITIES = ['off', 'cookie', 'header', 'client'] as const;

/** What keeps a client at one replica of an agent. */
export type AffinityBy = (typeof AFFINITIES)[number];

/** Shorter ones could be guessed from a cookie. */
const LEAST_SECRET_CHARS = 16;

function checkHeaderName(value: string): string | undefined {
  try {
    validateHeaderName(value);
    return undefined;
  } catch {
    return 'must be the name of a header';
  }
}

function checkSecret(value: string): string | undefined {
  const isShort = value !== '' && value.length < LEAST_SECRET_CHARS;
  return isShort ? `must have ${LEAST_SECRET_CHARS} characters at least` : undefined;
}

/** Whether a client stays at one replica, where an agent has several. */
export class AffinitySettings {
  @Choice(AFFINITIES, {
    description:
      'What keeps clients at one replica of an agent whose replicas share its id: a cookie that Berth sets, the value of a header, the address of the client, or nothing.',
    live: true,
  })
  by: AffinityBy = 'off';

  @Texts({
    check: checkPatternWords(AFFINITIES),
    description:
      'The same for single agents: ids, exact or with `*` for any characters, with the word for each. An exact id goes first, then the first pattern that fits.',
    live: true,
  })
  agents: Record<string, AffinityBy> = {};

  @Text({
    check: checkHeaderName,
    description: 'Header whose value says what belongs together, with `header`.',
    live: true,
  })
  header = 'X-Session-Id';

  @Integer(1, 31_536_000, {
    description: 'Time after which a cookie ends; a request past half of it renews it.',
    live: true,
  })
  cookieTtlSeconds = 86_400;

  @Text({
    secret: true,
    check: checkSecret,
    description:
      'Signs the cookies; empty: made at start, and clients are assigned anew after a restart. Gateways that serve the same clients need the same one.',
  })
  secret = '';

  @File({ description: 'File that holds the secret; instead of the secret itself.' })
  secretFile = '';

  @Switch({
    description: 'Answers say in `Berth-Affinity` whether they come from where the client belongs: kept, new or moved.',
    live: true,
  })
  reportHeader = false;
}
