import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { chunk, complete, FakeGateways, head } from '../testing/fake-gateway.js';
import { block } from './index.js';

const step = fc.oneof(
  fc.record({ do: fc.constant('head' as const), id: fc.nat(5), link: fc.nat(1) }),
  fc.record({ do: fc.constant('chunk' as const), id: fc.nat(5), link: fc.nat(1) }),
  fc.record({ do: fc.constant('complete' as const), id: fc.nat(5), link: fc.nat(1) }),
  fc.record({ do: fc.constant('cancel' as const), id: fc.nat(5), link: fc.nat(1) }),
  fc.record({ do: fc.constant('settle' as const), id: fc.nat(20), link: fc.constant(0) }),
  fc.record({ do: fc.constant('lose' as const), id: fc.constant(0), link: fc.nat(1) }),
);

it('whatever is asked, settled, cut off and lost in any order: no question is answered twice, and nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, remembers) => {
      const open: (() => void)[] = [];
      let atWork = 0;
      let most = 0;
      const work = async (): Promise<undefined> => {
        most = Math.max(most, (atWork += 1));
        await new Promise<void>((resolve) => open.push(resolve));
        atWork -= 1;
        return undefined;
      };
      await using it = await FakeGateways.with({
        concurrency: 3,
        maxWaiting: 4,
        maxExchanges: 5,
        onRequest: work,
        ...(remembers ? { onRequestBody: work, onComplete: () => undefined } : {}),
        onGuardrail: () => block(),
      });
      const links = [it.link(), it.link()];
      const asked = [0, 0];
      const cut = new Set<string>();
      const lost = new Set<number>();
      for (const { do: what, id, link: at } of steps) {
        const link = links[at];
        if (what === 'settle') open.splice(id % (open.length || 1), 1)[0]?.();
        if (link === undefined || lost.has(at)) continue;
        const name = `x${id}`;
        if (what === 'lose') {
          lost.add(at);
          link.close();
        } else if (what === 'cancel') {
          cut.add(`${at} ${name}`);
          link.receiver.message({ kind: 'cancel', correlationId: name, reason: 'manual', timestampMs: 0 });
        } else if (what === 'head' || what === 'chunk' || what === 'complete') {
          asked[at] = (asked[at] ?? 0) + 1;
          link.receiver.message(
            what === 'head' ? head(name) : what === 'chunk' ? chunk('requestBody', name, 'x') : complete(name),
          );
        }
        await turn();
      }
      await turn();
      while (open.length > 0) {
        for (const end of open.splice(0)) end();
        await turn();
      }
      expect(most).toBeLessThanOrEqual(4);
      expect(it.agent.load).toMatchObject({ inFlight: 0, queueDepth: 0 });
      links.forEach((link, at) => {
        const answers = link.of('answer').length;
        expect(answers).toBeLessThanOrEqual(asked[at] ?? 0);
        const sure = !lost.has(at) && ![...cut].some((one) => one.startsWith(`${at} `));
        if (sure) expect(answers).toBe(asked[at]);
      });
    }),
    { numRuns: 300 },
  );
});
