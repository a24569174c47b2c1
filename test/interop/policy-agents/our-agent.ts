// The agent of the trial, written with berth-policy; the original's client knows what it must say. See run.sh.
import {
  allow,
  block,
  challenge,
  closeSocket,
  drop,
  needMore,
  type PolicyAgent,
  type PolicyAgentOptions,
  redirect,
  replace,
  startPolicyAgent,
} from 'berth-policy';

export function startTrialAgent(where: Pick<PolicyAgentOptions, 'listen' | 'connect' | 'token'>): Promise<PolicyAgent> {
  return startPolicyAgent({
    name: 'trial agent',
    id: 'trial',
    version: '1.2.3',
    ...where,
    onRequest({ path, clientIp, method }) {
      const audit = { tags: ['path'], ruleIds: ['r1'], confidence: 0.5 };
      if (path.startsWith('/blocked')) return block(403, 'blocked', { headers: { 'x-rule': 'path' }, audit });
      if (path.startsWith('/moved')) return redirect('https://example.org/', 308);
      if (path.startsWith('/who')) return challenge('basic', { realm: 'trial' });
      const changes = {
        setRequestHeaders: { 'x-judged': clientIp },
        removeRequestHeaders: ['x-bad'],
        addResponseHeaders: { 'x-seen': method },
      };
      return path.startsWith('/body') ? needMore(changes) : allow(changes);
    },
    onRequestBody: ({ text }) => (text.includes('secret') ? block(422, 'no secrets') : replace(text.toUpperCase())),
    onResponse: ({ status }) => allow({ setResponseHeaders: { 'x-status': String(status) } }),
    onResponseBody: () => drop(),
    onFrame: ({ text }) => (text === 'drop' ? drop() : text === 'close' ? closeSocket(1008, 'policy') : undefined),
    onConfigure(config) {
      if (typeof config === 'object' && config !== null && 'wrong' in config) throw new Error('this one is wrong');
    },
    onComplete: () => undefined,
  });
}
