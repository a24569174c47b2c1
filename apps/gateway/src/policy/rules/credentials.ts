import { createHash, timingSafeEqual } from 'node:crypto';
import { BerthError } from '@berth/errors';
import { withHeaders } from '@berth/exchange';
import { headerValue, withoutHeader } from '@berth/http-rules';
import { HASHED } from '../policy-checks.js';
import { type PortRule, refuse } from './port-rule.js';

/** Names and passwords (RFC 7617), or tokens (RFC 6750), in the Authorization header. */
export const credentials: PortRule = {
  reads: ['auth'],
  make({ auth: { bearerTokens, passOn, realm, users } }, { countRefusal, key, limitedLog }) {
    const basic = Object.entries(users).map(([name, password]) => ({ name: digest(name), hash: hashOf(password) }));
    const bearer = bearerTokens.map(hashOf);
    if (basic.length === 0 && bearer.length === 0) return undefined;
    const fields: string[] = [];
    if (basic.length > 0) fields.push('WWW-Authenticate', `Basic realm="${realm}", charset="UTF-8"`);
    if (bearer.length > 0) fields.push('WWW-Authenticate', `Bearer realm="${realm}"`);

    const isKnown = (authorization: string): boolean => {
      const [, scheme = '', value = ''] = /^(\S+) +(\S.*)$/.exec(authorization) ?? [];
      if (/^bearer$/i.test(scheme)) return hasEqual(bearer, digest(value));
      if (!/^basic$/i.test(scheme)) return false;
      const text = Buffer.from(value, 'base64').toString();
      const colon = text.indexOf(':');
      if (colon === -1) return false;
      const [name, hash] = [digest(text.slice(0, colon)), digest(text.slice(colon + 1))];
      // All of them, so that the time does not tell which names there are.
      return basic.filter((one) => timingSafeEqual(one.name, name) && timingSafeEqual(one.hash, hash)).length > 0;
    };
    return (next) => (request, sink) => {
      const { clientAddress, openHead } = request;
      const authorization = headerValue(openHead.headers, 'authorization') ?? '';
      if (!isKnown(authorization)) {
        if (authorization !== '')
          limitedLog.warn({ agentId: key, clientAddress }, 'a client came with wrong credentials (auth)');
        const what = authorization === '' ? 'this port needs credentials' : 'these credentials are not known here';
        countRefusal('auth');
        refuse(sink, new BerthError('BERTH_UNAUTHENTICATED', what), fields);
        return;
      }
      next(passOn ? request : withHeaders(request, withoutHeader(openHead.headers, 'authorization')), sink);
    };
  },
};

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** What a secret in the settings is compared by. */
function hashOf(secret: string): Buffer {
  return secret.startsWith(HASHED) ? Buffer.from(secret.slice(HASHED.length), 'hex') : digest(secret);
}

function hasEqual(hashes: readonly Buffer[], hash: Buffer): boolean {
  return hashes.filter((one) => timingSafeEqual(one, hash)).length > 0;
}
