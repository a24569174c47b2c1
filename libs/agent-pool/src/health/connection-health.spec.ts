import fc from 'fast-check';
import { ConnectionHealth, HEALTH_DEFAULTS, type HealthChange, type HealthState } from './connection-health.js';

function make(): { health: ConnectionHealth; states: HealthState[]; changes: HealthChange[] } {
  const changes: HealthChange[] = [];
  const states: HealthState[] = [];
  const health = new ConnectionHealth(
    (change) => {
      changes.push(change);
      states.push(change.to);
    },
    HEALTH_DEFAULTS,
    0,
  );
  return { health, states, changes };
}

describe('the health of a connection', () => {
  it('C6: the third failure in a row marks it at once, and a success resets', () => {
    const { health, states, changes } = make();
    health.connected(1);
    for (let i = 0; i < 5; i += 1) {
      health.failed(2);
      health.succeeded(2);
    }
    expect(states).toEqual(['healthy']);
    for (let i = 0; i < 3; i += 1) health.failed(3);
    expect(states.slice(1)).toEqual(['degraded', 'unhealthy']);
    expect(health).toMatchObject({ state: 'unhealthy', reason: '3 failures in a row', since: 3, consecutiveErrors: 3 });
    health.succeeded(9);
    expect(changes.at(-1)).toEqual({ from: 'unhealthy', to: 'healthy', reason: '' });
    expect(health.since).toBe(9);
  });

  it('C6: its time is over to the fraction of a millisecond', () => {
    const { health } = make();
    health.connected(0);
    // For one of these the difference of the two moments is less than 10,000.
    for (let step = 1; step < 1000; step += 1) {
      const now = step * 10_000.017;
      for (let i = 0; i < 3; i += 1) health.failed(now);
      health.tick(now + 10_000);
      expect(health.state).toBe('degraded');
      health.succeeded(now + 10_000);
    }
  });

  it('C6, C13: maintenance has it tried again, and says each change once', () => {
    const { health, states } = make();
    health.connected(0);
    for (let i = 0; i < 3; i += 1) health.failed(0);
    states.length = 0;
    for (let now = 0; now < 10_000; now += 500) health.tick(now);
    expect(states).toEqual([]);
    health.tick(10_000);
    health.tick(10_500);
    health.failed(10_600);
    health.tick(20_700);
    health.succeeded(20_800);
    health.tick(40_000);
    expect(states).toEqual(['degraded', 'unhealthy', 'degraded', 'healthy']);
  });

  it('C16: shows what the agent reports, with its words', () => {
    const { health, states } = make();
    health.connected(0);
    for (const report of ['degraded', 'degraded', 'unhealthy', 'draining', 'healthy'] as const) {
      health.reports(report, report === 'healthy' ? '' : 'disk full', 0);
      if (report !== 'healthy') expect(health.reason).toBe(`the agent reports ${report}: disk full`);
    }
    expect(states).toEqual(['healthy', 'degraded', 'unhealthy', 'draining', 'healthy']);
  });

  it('counts pings and probes', () => {
    const { health, states } = make();
    health.connected(0);
    health.pingMissed(0);
    health.pingMissed(0);
    health.pingAnswered(0);
    expect(states).toEqual(['healthy', 'degraded', 'unhealthy', 'healthy']);
    states.length = 0;
    for (let i = 0; i < 3; i += 1) health.probed(false, 0);
    health.probed(true, 0);
    expect(health.reason).toBe('the probe of the local service fails');
    health.probed(true, 0);
    expect(states).toEqual(['degraded', 'unhealthy', 'healthy']);
  });

  it('a passed probe alone says nothing about failures, and those that bring it back forgive them', () => {
    const { health } = make();
    health.connected(0);
    for (let i = 0; i < 3; i += 1) health.failed(0);
    health.probed(true, 0);
    expect(health.state).toBe('unhealthy');
    health.probed(true, 0);
    expect(health.state).toBe('healthy');
  });

  it('tells of each change once, and of nothing else, whatever happens in whatever order (model)', () => {
    /** What is known, kept apart; the state is the first of these that holds. */
    interface Model {
      connected: boolean;
      draining: boolean;
      report: string;
      ejected: boolean;
      errors: number;
      missed: number;
      failedProbes: number;
      passedProbes: number;
      down: boolean;
      paused: boolean;
      withheld: boolean;
      since: number;
    }
    const stateOf = (m: Model): HealthState => {
      if (!m.connected) return 'connecting';
      if (m.draining || m.withheld || m.report === 'draining') return 'draining';
      if (m.ejected || m.errors >= 3 || m.missed >= 2 || m.down || m.report === 'unhealthy') return 'unhealthy';
      if (m.paused) return 'paused';
      return m.report === 'degraded' || m.missed > 0 || m.failedProbes > 0 || m.errors === 2 ? 'degraded' : 'healthy';
    };
    type Step = readonly [(health: ConnectionHealth, now: number) => void, (m: Model, now: number) => void];
    const steps: Record<string, Step> = {
      connected: [(h, now) => h.connected(now), (m) => (m.connected = true)],
      succeeded: [(h, now) => h.succeeded(now), (m) => (m.errors = 0)],
      failed: [(h, now) => h.failed(now), (m) => (m.errors += 1)],
      pingMissed: [(h, now) => h.pingMissed(now), (m) => (m.missed += 1)],
      pingAnswered: [(h, now) => h.pingAnswered(now), (m) => (m.missed = 0)],
      reportDegraded: [(h, now) => h.reports('degraded', '', now), (m) => (m.report = 'degraded')],
      reportDraining: [(h, now) => h.reports('draining', '', now), (m) => (m.report = 'draining')],
      reportUnhealthy: [(h, now) => h.reports('unhealthy', '', now), (m) => (m.report = 'unhealthy')],
      reportHealthy: [(h, now) => h.reports('healthy', '', now), (m) => (m.report = 'healthy')],
      ejected: [(h, now) => h.ejected('outlier', now), (m) => (m.ejected = true)],
      returned: [(h, now) => h.returned(now), (m) => Object.assign(m, { ejected: false, errors: 0 })],
      withheld: [(h, now) => h.withhold('an operator', now), (m) => (m.withheld = true)],
      released: [(h, now) => h.released(now), (m) => (m.withheld = false)],
      paused: [(h, now) => h.paused('asked', now), (m) => (m.paused = true)],
      resumed: [(h, now) => h.resumed(now), (m) => (m.paused = false)],
      probeFailed: [
        (h, now) => h.probed(false, now),
        (m) => {
          m.passedProbes = 0;
          m.failedProbes += 1;
          if (m.failedProbes >= 3) m.down = true;
        },
      ],
      probePassed: [
        (h, now) => h.probed(true, now),
        (m) => {
          m.failedProbes = 0;
          m.passedProbes += 1;
          if (m.passedProbes >= 2) Object.assign(m, { down: false, errors: 0 });
        },
      ],
      tick: [
        (h, now) => h.tick(now),
        (m, now) => {
          if (m.errors >= 3 && now - m.since >= 10_000) m.errors = 2;
        },
      ],
      draining: [(h, now) => h.draining(now), (m) => (m.draining = true)],
    };
    const names = Object.keys(steps).filter((name) => name !== 'draining');
    // Rarely, because there is no way back from it.
    const name = fc.oneof(
      { weight: 40, arbitrary: fc.constantFrom(...names) },
      { weight: 1, arbitrary: fc.constant('draining') },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.nat(12_000)), { maxLength: 60, size: 'max' }), (run) => {
        const { health, changes } = make();
        const model: Model = {
          ...{ connected: false, draining: false, report: 'healthy', withheld: false },
          ...{ ejected: false, down: false, paused: false },
          ...{ errors: 0, missed: 0, failedProbes: 0, passedProbes: 0, since: 0 },
        };
        let now = 0;
        for (const [chosen, passes] of run) {
          now += passes;
          const before = stateOf(model);
          const told = changes.length;
          const [act, expected] = steps[chosen] as Step;
          act(health, now);
          expected(model, now);
          const after = stateOf(model);
          if (after !== before) model.since = now;
          expect(changes.slice(told).map(({ from, to }) => [from, to])).toEqual(
            after === before ? [] : [[before, after]],
          );
          expect([health.state, health.since]).toEqual([after, model.since]);
          expect(health.reason === '').toBe(after === 'healthy');
        }
      }),
    );
  });
});
