import { logLines } from '@berth/testing/system';
import { FakeLink, headersEvent } from '../../../../libs/policy-agents/testing/fake-link.js';
import { makerOver, policyAgentsLab } from '../../testing/policy-agents-lab.js';

it('an answer that is of no use does not count as none in the log', async () => {
  const { at, log } = logLines();
  const settings = { waf: { address: '/run/waf.sock', drainMs: 0, whenUnavailable: 'open' } } as const;
  const link = new FakeLink().allowAll();
  const agents = policyAgentsLab({ settings, make: makerOver(() => link), log });
  agents.start();
  const talk = agents.judge('waf').begin('a');
  await talk.ask(headersEvent('a'));
  talk.misjudged('a status of 0');
  expect(at('warn')).toEqual([]);
  expect(agents.get('waf').stats.failures).toEqual(new Map([['invalid', 1]]));
  link.end();
  await agents
    .judge('waf')
    .begin('b')
    .ask(headersEvent('b'))
    .catch(() => undefined);
  expect(at('warn').map(({ msg }) => msg)).toContain('a question to a policy agent has no answer');
  await agents.close();
});
