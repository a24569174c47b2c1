import { BerthError } from '@berth/errors';
import { answer } from '@berth/exchange';
import { headerValue } from '@berth/http-rules';
import { networks } from '../networks.js';
import { type PortRule, refuse } from './port-rule.js';

const USUAL = 'This service is being worked on. Please come back later.';

/** A page for people, an error answer for programs; whoever is named passes. */
export const maintenance: PortRule = {
  reads: ['maintenance'],
  make({ maintenance: { allow, enabled, retryAfterSeconds, text } }, { countRefusal }) {
    if (!enabled) return undefined;
    const passes = networks(allow);
    const said = text === '' ? USUAL : text;
    const page = Buffer.from(pageOf(said));
    const later = retryAfterSeconds === 0 ? [] : ['Retry-After', String(retryAfterSeconds)];
    const head = ['Content-Type', 'text/html; charset=utf-8', 'Cache-Control', 'no-store', ...later];
    return (next) => (request, sink) => {
      const { method, headers } = request.openHead;
      if (passes(request.clientAddress)) {
        next(request, sink);
        return;
      }
      countRefusal('maintenance');
      if (/text\/html/i.test(headerValue(headers, 'accept') ?? '')) {
        answer(sink, 503, head, page, method === 'HEAD');
      } else refuse(sink, new BerthError('BERTH_MAINTENANCE', said), later);
    };
  },
};

function pageOf(text: string): string {
  const safe = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\n', '<br>');
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Under maintenance</title>
<style>body{font:1.1em/1.5 system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;margin:0 1em;text-align:center;color-scheme:light dark}</style>
<h1>Under maintenance</h1>
<p>${safe}</p>
</html>
`;
}
