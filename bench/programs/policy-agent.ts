/**
 * A policy agent: `policy-agent.js <where> heads|bodies|rules`. It lets all pass, having seen the heads of requests
 * or the bodies both ways; `rules` blocks what is below /blocked. `where` is host:port, unix:<path>, or
 * tcp://host:port to dial as `reverse`, with the token `bench`.
 */
import { block, startPolicyAgent } from 'berth-policy';
import { endWithParent, textArgument } from './lifeline.js';

endWithParent();
const where = textArgument(0);
const what = textArgument(1);
const place = where.startsWith('tcp:') ? { connect: where, token: 'bench', connections: 4 } : { listen: where };
const pass = (): undefined => undefined;
const handlers = {
  heads: { onRequest: pass },
  bodies: { onRequestBody: pass, onResponseBody: pass },
  rules: {
    onRequest: ({ path }: { path: string }) => (path.startsWith('/blocked') ? block(403, 'Not here.\n') : undefined),
  },
}[what];
await startPolicyAgent({ name: where.startsWith('tcp:') ? 'reverse' : 'judge', ...place, ...handlers });
console.log('ready');
