import { setTimeout as sleep } from 'node:timers/promises';
import { CarriedLab } from '../../../testing/bus/carried-lab.js';
import { Crowd } from '../../../testing/bus/crowd.js';

describe('a bus of processes that come, go and fall silent', () => {
  it('every call ends, none at most once begins twice, and no object runs two at once', async () => {
    await using lab = new CarriedLab({ workerTimeoutMs: 400 });
    const crowd = new Crowd(async () => {
      const { bus, carrier } = await lab.process();
      return {
        bus,
        die: () => {
          carrier.mute = true;
          // Some come back later, and find that others have their objects.
          if (Math.random() < 0.5) setTimeout(() => (carrier.mute = false), 1000).unref();
        },
      };
    });
    await crowd.join();
    await crowd.join();
    const callers = await Promise.all([lab.process(), lab.process()]);
    const end = Date.now() + 5000;
    const disturb = async (): Promise<void> => {
      while (Date.now() < end) {
        await sleep(30);
        await crowd.disturb();
      }
    };
    const load = async (): Promise<void> => {
      while (Date.now() < end) {
        for (const { bus } of callers) crowd.call(bus);
        await sleep(3);
      }
    };
    await Promise.all([disturb(), load()]);
    await crowd.join();
    await Promise.all(crowd.calls);
    expect(crowd.doubled).toEqual([]);
    expect(crowd.overlaps).toEqual([]);
    expect(crowd.outcomes.get('status 0')).toBeGreaterThan(crowd.calls.length / 4);
    const known = /^status \d$|^BERTH_SERVICE_(NO_AGENT|TIMEOUT|CANCELLED|OUTCOME_UNKNOWN)$/;
    expect([...crowd.outcomes.keys()].filter((outcome) => !known.test(outcome))).toEqual([]);
  }, 40_000);
});
