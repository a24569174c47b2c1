import { eventually } from '@berth/testing';
import { LifecycleEvents } from './lifecycle-events.js';

function make(): { events: LifecycleEvents; errors: unknown[] } {
  const errors: unknown[] = [];
  const nothing = (): void => undefined;
  const log = { debug: nothing, info: nothing, warn: nothing, error: (...line: unknown[]) => errors.push(line) };
  return { events: new LifecycleEvents(log), errors };
}

describe('LifecycleEvents', () => {
  it('tells listeners in their own turn, in order', async () => {
    const { events } = make();
    const heard: number[] = [];
    events.on('port.leased', ({ port }) => void heard.push(port));
    events.emit('port.leased', { agentId: 'a', service: 'default', port: 1, scheme: 'http' });
    events.emit('port.leased', { agentId: 'a', service: 'default', port: 2, scheme: 'http' });
    expect(heard).toEqual([]);
    await eventually(() => heard.length === 2);
    expect(heard).toEqual([1, 2]);
  });

  it('survives listeners that throw or reject, and logs it', async () => {
    const { events, errors } = make();
    let heard = false;
    events.on('port.released', () => {
      throw new Error('thrown');
    });
    events.on('port.released', () => Promise.reject(new Error('rejected')));
    events.on('port.released', () => void (heard = true));
    events.emit('port.released', { agentId: 'a', service: 'default', port: 1 });
    await eventually(() => errors.length === 2 && heard);
    expect(JSON.stringify(errors)).toContain('a listener of port.released failed');
  });

  it('stops telling one that was taken off', async () => {
    const { events } = make();
    const heard: string[] = [];
    const off = events.on('port.leased', () => void heard.push('off'));
    events.on('port.leased', () => void heard.push('on'));
    off();
    events.emit('port.leased', { agentId: 'a', service: 'default', port: 1, scheme: 'http' });
    await eventually(() => heard.length > 0);
    expect(heard).toEqual(['on']);
  });
});
