import { EventEmitter } from 'node:events';
import { jest } from '@jest/globals';
import { silentLog } from '@berth/observability';
import { client } from '../client/client.js';
import { Slow, turns } from '../../testing/slow-service.js';
import { closeOnSignals } from './closing-signals.js';
import { Services } from './services.js';

const listeners = (): number => process.listenerCount('SIGTERM') + process.listenerCount('SIGINT');

describe('signals that close', () => {
  afterEach(() => jest.useRealTimers());

  class Program extends EventEmitter {
    readonly exits: unknown[] = [];
    exit(code?: unknown): never {
      this.exits.push(code);
      return undefined as never;
    }
  }

  function given(): { program: Program; closes: () => number; remove: () => void } {
    jest.useFakeTimers();
    const program = new Program();
    let closes = 0;
    const remove = closeOnSignals(() => (closes += 1), program as unknown as NodeJS.Process);
    return { program, closes: () => closes, remove };
  }

  it('close once; a later one ends the process, with 128 and its number', () => {
    const { program, closes } = given();
    program.emit('SIGTERM', 'SIGTERM');
    jest.advanceTimersByTime(301);
    expect([closes(), program.exits]).toEqual([1, []]);
    program.emit('SIGINT', 'SIGINT');
    program.emit('SIGTERM', 'SIGTERM');
    expect([closes(), program.exits]).toEqual([1, [130, 143]]);
  });

  it('are one, if one key sends two', () => {
    const { program, closes } = given();
    program.emit('SIGINT', 'SIGINT');
    jest.advanceTimersByTime(300);
    program.emit('SIGINT', 'SIGINT');
    expect([closes(), program.exits]).toEqual([1, []]);
  });

  it('are let go', () => {
    const { program, closes, remove } = given();
    remove();
    expect([program.emit('SIGINT', 'SIGINT'), program.emit('SIGTERM', 'SIGTERM'), closes()]).toEqual([false, false, 0]);
  });
});

describe('closeOnSignals()', () => {
  beforeEach(() => Slow.begin());
  afterEach(() => Slow.gate.open());

  it('lets calls end at a signal, then takes its listeners away', async () => {
    const before = listeners();
    const services = new Services({ mock: true, services: [Slow] });
    await services.startServer();
    const closed = services.closeOnSignals();
    expect(services.closeOnSignals()).toBe(closed);
    expect(listeners()).toBe(before + 2);
    const call = client(Slow, { services }).wait();
    await turns();
    process.emit('SIGTERM', 'SIGTERM');
    await turns();
    // The call runs, so that another signal would still be heard.
    expect([listeners(), services.isServerRunning()]).toEqual([before + 2, false]);
    Slow.gate.open();
    await Promise.all([call, closed]);
    expect(listeners()).toBe(before);
  });

  it('resolves when the program closes by itself, and does nothing afterwards', async () => {
    const before = listeners();
    const services = new Services({ mock: true, services: [] });
    const closed = services.closeOnSignals();
    await services.close();
    await closed;
    await services.closeOnSignals();
    expect(listeners()).toBe(before);
  });

  it('logs a close that fails', async () => {
    const error = jest.spyOn(silentLog, 'error');
    const services = new Services({ mock: true, services: [Slow] });
    jest.spyOn(services, 'stopAllAgents').mockRejectedValue(new Error('the agent hangs'));
    const closed = services.closeOnSignals();
    const { exitCode } = process;
    process.emit('SIGINT', 'SIGINT');
    await closed;
    await turns();
    expect(error).toHaveBeenCalledWith({}, 'services: could not close cleanly: the agent hangs');
    expect(process.exitCode).toBe(1);
    process.exitCode = exitCode;
    error.mockRestore();
  });
});
