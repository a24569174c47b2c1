import { hostname } from 'node:os';
import { defaultAgentSettings } from './agent-settings.js';
import { idFromHostName } from './host-id.js';

describe('idFromHostName', () => {
  it.each([
    ['kiosk-7', 'kiosk-7'],
    ['kiosk-7.shop.example.org', 'kiosk-7.shop.example.org'],
    ["Anna's MacBook", 'Anna-s-MacBook'],
    ['_gateway-', 'gateway'],
    ['größe', 'gr-e'],
    ['a'.repeat(70), 'a'.repeat(64)],
    [`${'a'.repeat(63)}--b`, 'a'.repeat(63)],
  ])('makes of %j the id %j', (name, id) => {
    expect(idFromHostName(name)).toBe(id);
  });

  it.each(['', '---', 'ß', 'localhost', 'localhost.localdomain', '(none)'])('has none for %j', (name) => {
    expect(idFromHostName(name)).toBe('');
  });

  it('gives its id to an agent whose own is empty; where it has none either, that is refused', () => {
    const settings = () => defaultAgentSettings({ target: '3000', id: '' });
    const id = idFromHostName(hostname());
    if (id === '') expect(settings).toThrow(/^id: /);
    else expect(settings().id).toBe(id);
  });
});
