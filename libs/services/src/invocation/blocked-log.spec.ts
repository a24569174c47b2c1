import { jest } from '@jest/globals';
import { silentLog } from '@berth/observability';
import { client } from '../client/client.js';
import { Method } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { Services } from '../runtime/services.js';

let passed = 0;

@Service('Heavy', { package: 'blocked' })
class Heavy {
  @Method() compute(ms: number): void {
    passed += ms;
  }
  @Method({ stateless: true }) fail(ms: number): void {
    passed += ms;
    throw new Error('in vain');
  }
}

describe('a method that blocks the process', () => {
  it('is named in the log, from half a second on, also when it fails', async () => {
    const now = performance.now.bind(performance);
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now() + passed);
    const warn = jest.spyOn(silentLog, 'warn');
    const services = new Services({ mock: true, services: [Heavy] });
    await services.startServer();
    const heavy = client(Heavy, { services });
    await heavy.object('a').compute(100);
    expect(warn).not.toHaveBeenCalled();
    await heavy.object('a').compute(700);
    await expect(heavy.fail(900)).rejects.toThrow('in vain');
    expect(warn.mock.calls).toEqual([
      [expect.objectContaining({ service: 'blocked.Heavy', method: 'compute' }), expect.stringContaining('blocked')],
      [expect.objectContaining({ service: 'blocked.Heavy', method: 'fail' }), expect.stringContaining('blocked')],
    ]);
    const told = warn.mock.calls.map(([fields]) => (fields as { blockedMs: number }).blockedMs);
    expect(told.map((ms) => Math.floor(ms / 100))).toEqual([7, 9]);
    await services.close();
    clock.mockRestore();
    warn.mockRestore();
  });
});
