import { Replica } from '../../../../libs/agent-pool/src/replica.js';
import { AffinityCookies, affinityKey } from './affinity-cookies.js';

const NOW = Date.UTC(2026, 0, 1);
const SECRET = 'known to two gateways';

describe('a cookie that says where a client belongs', () => {
  const of = (secret: string, agentId = 'a1', ttlSeconds = 100): AffinityCookies =>
    new AffinityCookies(affinityKey(secret), agentId, ttlSeconds);
  const cookies = of(SECRET);
  const replica = new Replica('pod-7.internal');

  it('is read where the key is the same, until it is over', () => {
    const value = cookies.issue(replica, NOW);
    const claim = { tag: cookies.tagOf(replica), expiresAt: NOW + 100_000 };
    expect(of(SECRET).read(value, NOW)).toEqual(claim);
    expect(cookies.read(value, NOW + 99_999)).toEqual(claim);
    expect(cookies.read(value, NOW + 100_000)).toBeUndefined();
    expect([cookies.isAgeing(claim, NOW + 50_000), cookies.isAgeing(claim, NOW + 50_001)]).toEqual([false, true]);
  });

  it('is read as long as it holds, however many others are', () => {
    const value = cookies.issue(replica, NOW);
    for (let i = 0; i < 2500; i += 1) {
      const other = new Replica(`replica ${i}`);
      expect(cookies.read(cookies.issue(other, NOW), NOW)?.tag).toBe(cookies.tagOf(other));
      if (i % 500 === 0) expect(cookies.read(value, NOW)?.tag).toBe(cookies.tagOf(replica));
    }
    expect(cookies.read(value, NOW + 100_000)).toBeUndefined();
  });

  it('counts for nothing with another key, at another agent, or when anything of it was changed', () => {
    const value = cookies.issue(replica, NOW);
    expect(of('another secret').read(value, NOW)).toBeUndefined();
    expect(of('').read(value, NOW)).toBeUndefined();
    expect(of(SECRET, 'a2').read(value, NOW)).toBeUndefined();
    // The last letter of the signature carries bits that nothing depends on.
    for (let at = 0; at < value.length - 1; at += 1) {
      const other = value[at] === 'a' ? 'b' : 'a';
      expect(cookies.read(value.slice(0, at) + other + value.slice(at + 1), NOW)).toBeUndefined();
    }
  });

  it('counts for nothing when it is no such cookie at all', () => {
    const value = cookies.issue(replica, NOW);
    for (const odd of ['', 'x', `${value}x`, value.slice(1), '..', `${value}.${value}`, '\xff'.repeat(70)]) {
      expect(cookies.read(odd, NOW)).toBeUndefined();
    }
  });

  it('does not show what the process calls itself', () => {
    const value = cookies.issue(replica, NOW);
    expect(value).toMatch(/^[\w-]{16}\.[0-9a-z]+\.[\w-]{43}$/);
    expect([value, Buffer.from(value, 'base64url').toString('latin1')].join('')).not.toContain('pod-7');
    expect(cookies.tagOf(new Replica('pod-7.internal'))).toBe(cookies.tagOf(replica));
    expect(cookies.tagOf(new Replica('pod-8.internal'))).not.toBe(cookies.tagOf(replica));
  });
});
