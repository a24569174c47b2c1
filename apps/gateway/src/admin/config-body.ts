import type { RawBodyRequest } from '@nestjs/common';
import type { Request } from 'express';
import { BerthError } from '@berth/errors';

/**
 * The body as it came, because numbers beyond 2^53 do not survive parsing. An
 * application that embeds the gateway and keeps no raw bodies pushes what it parsed.
 *
 * @throws BerthError `BERTH_BAD_REQUEST`
 */
export function configOf({ body, rawBody, headers }: RawBodyRequest<Request>): string {
  // Of an empty body the parser makes an empty object.
  const isEmpty = rawBody === undefined ? headers['content-length'] === '0' : rawBody.length === 0;
  if (isEmpty || typeof body !== 'object' || body === null) {
    throw new BerthError('BERTH_BAD_REQUEST', 'the body must be the configuration: a JSON object or array');
  }
  const charset = /charset="?([^";\s]+)/i.exec(headers['content-type'] ?? 'utf-8')?.[1] ?? 'utf-8';
  if (rawBody === undefined || charset.toLowerCase() !== 'utf-8') return JSON.stringify(body);
  return rawBody.toString().replace(/^\uFEFF/, '');
}
