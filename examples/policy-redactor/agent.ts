import { allow, block, type PolicyAgent, type PolicyAgentOptions, replace, startPolicyAgent } from 'berth-policy';
import { Redactor } from './redactor.js';

/** What says something about a body that is going to be another one. */
const OF_THE_OLD_BODY = ['etag', 'content-md5', 'digest', 'content-digest', 'repr-digest'];

interface State {
  /** undefined: the body is not looked at */
  redactor: Redactor | undefined;
}

/** Masks card numbers and e-mail addresses in JSON answers, while they stream. */
export function startRedactor(
  where: Pick<PolicyAgentOptions, 'listen' | 'connect' | 'token' | 'log'>,
): Promise<PolicyAgent> {
  return startPolicyAgent<State>({
    name: 'redactor',
    ...where,
    state: () => ({ redactor: undefined }),
    // It reads plain text only, and a part of a body could begin within a number.
    onRequest: () => allow({ removeRequestHeaders: ['accept-encoding', 'range', 'if-range'] }),
    onResponse(response, { state }) {
      if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(response.header('content-type') ?? '')) return undefined;
      const encoding = response.header('content-encoding') ?? 'identity';
      if (encoding !== 'identity') return block(502, `An answer in ${encoding} cannot be read.\n`);
      state.redactor = new Redactor();
      return allow({ removeResponseHeaders: OF_THE_OLD_BODY });
    },
    onResponseBody({ data, isLast }, { state: { redactor } }) {
      if (redactor === undefined) return undefined;
      const masked = redactor.push(data, isLast);
      return replace(masked, isLast ? { audit: { custom: { masked: String(redactor.found) } } } : undefined);
    },
  });
}
