import { setImmediate as turn } from 'node:timers/promises';
import { BerthError } from '@berth/errors';
import { ResetCode } from '@berth/exchange';
import { LIMIT_DEFAULTS } from '@berth/policy-agents';
import { block, FakeJudge, inspectionLab, type Said, undecided } from '../../../testing/inspection-lab.js';

const OK = { status: 200, reason: 'OK', headers: ['Content-Type', 'text/plain'] };
const POST = { method: 'POST', body: true };
const bytes = (text: string): Buffer => Buffer.from(text);

describe('requests whose agent wants to see more', () => {
  it('are opened when it has decided, with all that was held, and its changes to the head', async () => {
    const last: Said = { requestHeaders: [{ op: 'set', name: 'X-Seen', value: 'yes' }] };
    const judge = new FakeJudge(['requestHeaders', 'requestBody'], undecided(4, last));
    const { begin, client, held, pool } = inspectionLab([judge]);
    begin({ ...POST, headers: ['Expect', '100-continue'] });
    await turn();
    expect([pool.requests, client.calls]).toEqual([[], ['opened', 'informational 100']]);
    client.exchange.sendData(bytes('ab'));
    await turn();
    expect([held.bytes, client.calls.at(-1), client.exchange.pendingBytes]).toEqual([2, 'writable', 2]);
    client.exchange.sendData(bytes('cd'));
    await turn();
    expect(pool.requests[0]?.openHead.headers).toEqual(['X-Seen', 'yes']);
    expect([pool.last.calls, held.bytes]).toEqual([['data ab', 'data cd'], 0]);
    client.exchange.sendEnd();
    await turn();
    expect(pool.last.calls.at(-1)).toBe('end');
    pool.last.sink.informational({ status: 100, headers: [] });
    expect(client.calls.filter((call) => call === 'informational 100')).toHaveLength(1);
  });

  it('can be blocked with a whole answer, before anything is opened', async () => {
    const judge = new FakeJudge(['requestHeaders', 'requestBody'], undecided(Infinity, block(403, 'no')));
    const { begin, client, held, pool } = inspectionLab([judge]);
    begin(POST);
    await turn();
    client.exchange.sendData(bytes('evil'));
    client.exchange.sendEnd();
    await turn();
    expect(pool.requests).toEqual([]);
    expect(client.calls.map((call) => call.slice(0, 8))).toEqual(['opened', 'head 403', 'data no', 'end', 'writable']);
    expect(held.bytes).toBe(0);
    client.exchange.reset(ResetCode.cancelled);
    client.exchange.discard();
    expect(judge.told).toEqual(['end 403']);
  });

  it('are decided by what it says last, whatever it says before', async () => {
    const said: Said = { ...block(403), needsMore: true };
    const judge = new FakeJudge(['requestHeaders', 'requestBody'], () => said);
    const { begin, client } = inspectionLab([judge]);
    begin();
    await turn();
    expect(client.calls[0]?.slice(0, 8)).toBe('head 403');
    begin(POST);
    await turn();
    client.exchange.sendData(bytes('a'));
    await turn();
    expect(client.calls.slice(-2)).toEqual(['opened', 'writable']);
    client.exchange.sendEnd();
    await turn();
    expect(client.calls.at(-2)?.slice(0, 8)).toBe('head 403');
  });

  it('pass when there is nothing more to see', async () => {
    const judge = new FakeJudge(['requestHeaders', 'requestBody', 'responseHeaders'], () => ({ needsMore: true }));
    const { begin, client, pool } = inspectionLab([judge]);
    begin();
    await turn();
    pool.last.sink.head({ ...OK, status: 204 });
    pool.last.sink.end(undefined);
    await turn();
    expect(client.calls).toEqual(['opened', 'head 204 Content-Type text/plain', 'end']);

    begin(POST);
    await turn();
    client.exchange.sendData(bytes('a'));
    client.exchange.sendEnd();
    await turn();
    expect(pool.last.calls).toEqual(['data a', 'end']);
    begin(POST);
    await turn();
    client.exchange.sendEnd();
    await turn();
    expect(pool.last.calls).toEqual(['end']);
  });

  it.each(['maxHeldBytes', 'maxBodySize', 'held'])('hold no more than may be held: %s', async (limit) => {
    for (const failsOpen of [false, true]) {
      const judge = new FakeJudge(['requestHeaders', 'requestBody'], undecided(Infinity));
      judge.failsOpen = failsOpen;
      if (limit === 'maxBodySize') judge.limits = { ...LIMIT_DEFAULTS, maxBodySize: 5 };
      const lab = inspectionLab([judge], limit === 'maxHeldBytes' ? { maxHeldBytes: 5 } : {});
      const { begin, client, held, pool } = lab;
      if (limit === 'held') held.most = 5;
      begin(POST);
      await turn();
      client.exchange.sendData(bytes('abc'));
      await turn();
      client.exchange.sendData(bytes('def'));
      await turn();
      expect(held.bytes).toBe(0);
      if (failsOpen) {
        client.exchange.sendData(bytes('g'));
        await turn();
        // It may still block, and has nothing held any more.
        expect([pool.last.calls, judge.asked.length]).toEqual([['data abc', 'data def', 'data g'], 4]);
      } else {
        const code = limit === 'held' ? 'BERTH_POLICY_UNAVAILABLE' : 'BERTH_BODY_TOO_LARGE';
        expect([pool.requests, client.calls.at(-1)]).toEqual([[], `failed ${code}`]);
      }
    }
  });

  it('are held for one agent though another one, which fails open, may not see so much', async () => {
    const small = new FakeJudge(['requestHeaders', 'requestBody'], undecided(Infinity), 'small');
    small.failsOpen = true;
    small.limits = { ...LIMIT_DEFAULTS, maxBodySize: 5 };
    const large = new FakeJudge(['requestHeaders', 'requestBody'], undecided(6, block()), 'large');
    const { begin, client, held, pool } = inspectionLab([small, large]);
    begin(POST);
    await turn();
    client.exchange.sendData(bytes('abcd'));
    await turn();
    expect(held.bytes).toBe(4);
    client.exchange.sendData(bytes('e'));
    await turn();
    client.exchange.sendData(bytes('f'));
    await turn();
    expect([pool.requests, client.calls.some((call) => call.startsWith('head 403')), held.bytes]).toEqual([
      [],
      true,
      0,
    ]);

    begin(POST);
    await turn();
    large.replies = undecided(Infinity);
    client.exchange.sendData(bytes('abcdef'));
    await turn();
    expect([pool.requests, held.bytes]).toEqual([[], 6]);
    client.exchange.discard();
  });

  it('let go of what is held when the client leaves, or the agent cannot be asked any more', async () => {
    const judge = new FakeJudge(['requestHeaders', 'requestBody'], undecided(Infinity));
    const { begin, client, held, pool } = inspectionLab([judge]);
    begin(POST);
    await turn();
    client.exchange.sendData(bytes('abc'));
    await turn();
    expect(held.bytes).toBe(3);
    client.exchange.reset(ResetCode.cancelled);
    client.exchange.discard();
    expect([held.bytes, judge.told]).toEqual([0, ['cancel clientDisconnect']]);

    begin(POST);
    await turn();
    client.exchange.sendData(bytes('abc'));
    await turn();
    judge.replies = () => Promise.reject(new BerthError('BERTH_POLICY_UNAVAILABLE', 'away'));
    client.exchange.sendData(bytes('d'));
    await turn();
    expect([held.bytes, pool.requests, client.calls.at(-1)]).toEqual([0, [], 'failed BERTH_POLICY_UNAVAILABLE']);
  });
});
