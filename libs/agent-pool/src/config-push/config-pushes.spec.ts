import { jest } from '@jest/globals';
import { FakeTarget } from '../../testing/fake-push-target.js';
import { type ConfigPush, ConfigPushes, type ConfigPushesOptions } from '../index.js';

const OPTIONS: ConfigPushesOptions = {
  ackTimeoutMs: 10_000,
  tries: 3,
  retryMs: 2000,
  maxPendingPerAgent: 100,
  history: 3,
  maxBytes: 64,
};

describe('ConfigPushes (C19)', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  function make(options: Partial<ConfigPushesOptions> = {}, ...targets: FakeTarget[]) {
    const settled: string[] = [];
    const pushes = new ConfigPushes({ ...OPTIONS, ...options }, (_, { replicaId, state, error }) => {
      settled.push(`${replicaId} ${state}${error === '' ? '' : `: ${error}`}`);
    });
    for (const target of targets) pushes.connected(target);
    return { pushes, settled };
  }

  const ack = (push: ConfigPush, accepted = true, error = '') => ({ pushId: push.id, accepted, error });
  const statesOf = (push: ConfigPush): string[] => [...push.deliveries.values()].map(({ state }) => state);
  const codeOf = (act: () => unknown): string => {
    try {
      act();
      return 'nothing';
    } catch (thrown) {
      return (thrown as { code: string }).code;
    }
  };

  it('sends at once what an agent can take, and ends with its answer', () => {
    const target = new FakeTarget('c1');
    const { pushes, settled } = make({}, target);
    const push = pushes.push('agent-1', '{"a":1}');
    expect([target.sent, target.ids]).toEqual([['{"a":1}'], [push.id]]);
    expect([push.state, push.bytes, pushes.pending]).toEqual(['sent', 7, 1]);
    expect(pushes.acknowledged(target, ack(push))).toBe(true);
    expect([push.state, pushes.pending, push.configJson]).toEqual(['acknowledged', 0, '']);
    expect(settled).toEqual(['one acknowledged']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('fails with what the agent says, without a second try', () => {
    const target = new FakeTarget('c1');
    const { pushes, settled } = make({}, target);
    const push = pushes.push('agent-1', '{}');
    pushes.acknowledged(target, ack(push, false, 'x'.repeat(5000)));
    const unsaid = pushes.push('agent-1', '{}');
    pushes.acknowledged(target, ack(unsaid, false));
    jest.advanceTimersByTime(60_000);
    expect(push.state).toBe('failed');
    expect(settled).toEqual([`one failed: ${'x'.repeat(1024)}`, 'one failed: the agent refused it']);
    expect(target.sent).toHaveLength(2);
  });

  it('expires after 10 s without an answer; one that comes later counts for nothing', () => {
    const target = new FakeTarget('c1');
    const { pushes, settled } = make({}, target);
    const push = pushes.push('agent-1', '{}');
    jest.advanceTimersByTime(9999);
    expect(push.state).toBe('sent');
    jest.advanceTimersByTime(1);
    expect(push.state).toBe('expired');
    expect(pushes.acknowledged(target, ack(push))).toBe(false);
    expect(push.state).toBe('expired');
    expect(settled).toEqual(['one expired: no answer within 10000 ms (configPush.ackTimeoutMs)']);
  });

  it('is tried three times, 2 s apart, where it cannot be sent', () => {
    const target = new FakeTarget('c1', 'one', { broken: true });
    const { pushes, settled } = make({}, target);
    const push = pushes.push('agent-1', '{}');
    expect([push.state, target.sent.length]).toEqual(['pending', 1]);
    jest.advanceTimersByTime(1999);
    expect(target.sent).toHaveLength(1);
    jest.advanceTimersByTime(1);
    expect([push.state, target.sent.length]).toEqual(['pending', 2]);
    jest.advanceTimersByTime(2000);
    expect([push.state, target.sent.length]).toEqual(['failed', 3]);
    expect(settled).toEqual(['one failed: nothing can be sent']);
    jest.advanceTimersByTime(60_000);
    expect(target.sent).toHaveLength(3);
  });

  it('is sent again to a replica that lost its connection before it answered, three times in all', () => {
    const lives = ['c1', 'c2', 'c3'].map((id) => new FakeTarget(id));
    const [first, second, third] = lives as [FakeTarget, FakeTarget, FakeTarget];
    const { pushes, settled } = make({}, first);
    const push = pushes.push('agent-1', '{}');
    jest.advanceTimersByTime(500);
    pushes.disconnected({ agentId: 'agent-1', connectionId: first.id });
    expect(push.state).toBe('pending');
    jest.advanceTimersByTime(500);
    pushes.connected(second);
    expect(second.sent).toEqual([]);
    jest.advanceTimersByTime(1000);
    expect([second.ids, push.state]).toEqual([[push.id], 'sent']);
    pushes.disconnected({ agentId: 'agent-1', connectionId: second.id });
    jest.advanceTimersByTime(5000);
    pushes.connected(third);
    expect(third.ids).toEqual([push.id]);
    pushes.disconnected({ agentId: 'agent-1', connectionId: third.id });
    expect(settled).toEqual(['one failed: its connection was lost before the answer, 3 times']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('takes the answer over another connection of the process', () => {
    const [first, second] = [new FakeTarget('c1'), new FakeTarget('c2')];
    const { pushes } = make({}, first, second);
    const push = pushes.push('agent-1', '{}');
    pushes.disconnected({ agentId: 'agent-1', connectionId: first.id });
    expect(pushes.acknowledged(second, ack(push))).toBe(true);
    expect(push.state).toBe('acknowledged');
    jest.advanceTimersByTime(60_000);
    expect(second.sent).toEqual([]);
  });

  it('goes to every replica, each with a state of its own, and to no connection that is being left', () => {
    const leaving = new FakeTarget('a1', 'a', { leaving: true });
    const [a, b] = [new FakeTarget('a2', 'a'), new FakeTarget('b1', 'b')];
    const { pushes } = make({}, leaving, a, b);
    const push = pushes.push('agent-1', '{}');
    expect([leaving.sent, a.ids, b.ids]).toEqual([[], [push.id], [push.id]]);
    pushes.acknowledged(a, ack(push));
    expect([push.state, statesOf(push)]).toEqual(['sent', ['acknowledged', 'sent']]);
    pushes.acknowledged(b, ack(push, false, 'no'));
    expect([push.state, statesOf(push)]).toEqual(['failed', ['acknowledged', 'failed']]);
  });

  it('goes to a process that takes the place of one that has gone', () => {
    const [old, fresh] = [new FakeTarget('c1', 'old'), new FakeTarget('c2', 'new')];
    const { pushes, settled } = make({}, old);
    const push = pushes.push('agent-1', '{}');
    pushes.disconnected({ agentId: 'agent-1', connectionId: old.id });
    pushes.connected(fresh);
    pushes.acknowledged(fresh, ack(push));
    expect(push.state).toBe('pending');
    jest.advanceTimersByTime(10_000);
    expect([push.state, statesOf(push)]).toEqual(['acknowledged', ['expired', 'acknowledged']]);
    expect(settled[1]).toBe('old expired: the replica was away for 10000 ms (configPush.ackTimeoutMs)');
    // What is over goes to nobody.
    const later = new FakeTarget('c3', 'later');
    pushes.connected(later);
    expect(later.sent).toEqual([]);
  });

  it('expires when the agent has gone for good', () => {
    const target = new FakeTarget('c1');
    const { pushes } = make({}, target);
    const push = pushes.push('agent-1', '{}');
    pushes.disconnected({ agentId: 'agent-1', connectionId: target.id });
    jest.advanceTimersByTime(10_000);
    expect(push.state).toBe('expired');
    expect(pushes.get('agent-1', push.id)).toBe(push);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('sends a replica one after the other, in their order', () => {
    const target = new FakeTarget('c1');
    const { pushes } = make({}, target);
    const [one, two, three] = ['1', '2', '3'].map((n) => pushes.push('agent-1', `[${n}]`));
    expect([target.sent, one?.state, two?.state]).toEqual([['[1]'], 'sent', 'pending']);
    pushes.disconnected({ agentId: 'agent-1', connectionId: target.id });
    const next = new FakeTarget('c2');
    pushes.connected(next);
    jest.advanceTimersByTime(2000);
    expect(next.sent).toEqual(['[1]']);
    pushes.acknowledged(next, ack(one as ConfigPush));
    expect(next.sent).toEqual(['[1]', '[2]']);
    pushes.acknowledged(next, ack(three as ConfigPush));
    expect(three?.state).toBe('pending');
    jest.advanceTimersByTime(10_000);
    expect([two?.state, three?.state, next.sent]).toEqual(['expired', 'sent', ['[1]', '[2]', '[3]']]);
  });

  it('refuses what is too large, what nobody takes, and more than 100 at once', () => {
    const target = new FakeTarget('c1');
    const { pushes } = make({}, target);
    expect(codeOf(() => pushes.push('agent-1', 'ä'.repeat(33)))).toBe('BERTH_BODY_TOO_LARGE');
    expect(codeOf(() => pushes.push('agent-2', '{}'))).toBe('BERTH_CONFIG_PUSH_UNSUPPORTED');
    pushes.connected(new FakeTarget('d1', 'one', { agentId: 'agent-2', features: new Set() }));
    expect(codeOf(() => pushes.push('agent-2', '{}'))).toBe('BERTH_CONFIG_PUSH_UNSUPPORTED');
    const all = Array.from({ length: 100 }, () => pushes.push('agent-1', '{}'));
    expect(codeOf(() => pushes.push('agent-1', '{}'))).toBe('BERTH_TOO_MANY_PUSHES');
    pushes.acknowledged(target, ack(all[0] as ConfigPush));
    expect(codeOf(() => pushes.push('agent-1', '{}'))).toBe('nothing');
  });

  it('remembers the last ones that are over, and all that are not', () => {
    const target = new FakeTarget('c1');
    const { pushes } = make({}, target);
    const all = Array.from({ length: 10 }, () => pushes.push('agent-1', '{}'));
    for (const push of all.slice(0, 8)) pushes.acknowledged(target, ack(push));
    expect(pushes.list('agent-1')).toEqual(all.slice(5).reverse());
    expect(pushes.get('agent-1', all[0]?.id ?? '')).toBeUndefined();
  });

  it('passes over answers to what nobody has pushed, however many there are', () => {
    const [mine, stranger] = [new FakeTarget('c1'), new FakeTarget('x', 'one', { agentId: 'other' })];
    const { pushes } = make({}, mine, stranger);
    const push = pushes.push('agent-1', '{}');
    for (let i = 0; i < 1000; i += 1) {
      expect(pushes.acknowledged(mine, { pushId: `${i}`, accepted: true, error: '' })).toBe(false);
    }
    expect(pushes.acknowledged(stranger, ack(push))).toBe(false);
    expect([push.state, pushes.list('agent-1')]).toEqual(['sent', [push]]);
  });

  it('remembers a bounded number of replicas that come and go', () => {
    const { pushes } = make({ ackTimeoutMs: 1_000_000 }, new FakeTarget('stays', 'stays'));
    const push = pushes.push('agent-1', '{}');
    for (let i = 0; i < 1000; i += 1) {
      const target = new FakeTarget(`c${i}`, `replica ${i}`);
      pushes.connected(target);
      pushes.disconnected({ agentId: 'agent-1', connectionId: target.id });
    }
    expect(push.deliveries.size).toBe(128);
    expect(push.deliveries.has('stays')).toBe(true);
  });

  describe('to thousands of agents', () => {
    const MIB = 1_048_576;
    const json = '1'.repeat(MIB / 4);

    function fleet(count: number) {
      const targets = Array.from(
        { length: count },
        (_, i) => new FakeTarget(`c${i}`, 'one', { agentId: `agent-${i}` }),
      );
      return { targets, ...make({ maxBytes: MIB }, ...targets) };
    }
    /** Some turns of the event loop, which the clock of tests has with its steps. */
    const inTurns = (): void => {
      jest.advanceTimersByTime(100);
    };
    const sentTo = (targets: readonly FakeTarget[]): FakeTarget[] => targets.filter(({ sent }) => sent.length > 0);

    it('holds no more than 16 MiB in the buffers of connections, and goes on with each answer', () => {
      const { pushes, settled, targets } = fleet(1000);
      for (const { agentId } of targets) pushes.push(agentId, json);
      // The others have their turn of the event loop to come.
      expect(sentTo(targets)).toHaveLength(8);
      inTurns();
      expect([sentTo(targets).length, pushes.pending]).toEqual([64, 1000]);
      const answered = new Set<FakeTarget>();
      while (answered.size < targets.length) {
        const waiting = sentTo(targets).filter((target) => !answered.has(target));
        expect(waiting.length).toBeLessThanOrEqual(64);
        for (const target of waiting) {
          answered.add(target);
          pushes.acknowledged(target, { pushId: target.ids[0] ?? '', accepted: true, error: '' });
        }
        inTurns();
      }
      expect(settled).toHaveLength(1000);
      expect(new Set(settled)).toEqual(new Set(['one acknowledged']));
      expect([pushes.pending, jest.getTimerCount()]).toEqual([0, 0]);
    });

    it('of small ones sends 256 at once, 32 in a turn of the event loop', () => {
      const { pushes, targets } = fleet(1000);
      for (const { agentId } of targets) pushes.push(agentId, '{}');
      expect(sentTo(targets)).toHaveLength(32);
      inTurns();
      expect(sentTo(targets)).toHaveLength(256);
    });

    it('makes room when connections are lost, cannot send, or do not answer', () => {
      const { pushes, targets } = fleet(300);
      for (const target of targets.slice(0, 32)) target.broken = true;
      for (const { agentId } of targets) pushes.push(agentId, json);
      inTurns();
      const first = sentTo(targets).filter(({ broken }) => !broken);
      expect(first).toHaveLength(64);
      for (const { agentId, id: connectionId } of first.slice(0, 32)) pushes.disconnected({ agentId, connectionId });
      inTurns();
      expect(sentTo(targets)).toHaveLength(128);
      jest.advanceTimersByTime(OPTIONS.ackTimeoutMs);
      inTurns();
      expect(sentTo(targets)).toHaveLength(192);
    });
  });
});
