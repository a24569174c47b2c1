import { jest } from '@jest/globals';
import type { LocalServiceOffer, ServiceList, ServicePort } from '@berth/tunnel-protocol';
import type { Link } from './link.js';
import { Offers } from './offers.js';

const offer = (name: string): LocalServiceOffer => ({ name, kind: 'http', port: 0, healthPath: '' });
const port = (name: string, code = ''): ServicePort => ({
  ...{ name, port: code === '' ? 8100 : 0, scheme: 'http', code, message: '' },
  retryable: code === 'BERTH_PORTS_EXHAUSTED',
});

function lab() {
  const renewed: Link[] = [];
  let agreed = 0;
  const offers = new Offers([offer('web')], [], {
    agreed: () => (agreed += 1),
    renew: (link) => renewed.push(link),
  });
  const link = (takesServices = true) => {
    const told: ServiceList[] = [];
    const it = { takesServices, offer: (list: ServiceList) => void told.push(list) } as unknown as Link;
    offers.dials(it);
    return { it, told };
  };
  return { offers, link, renewed, agreed: () => agreed };
}

describe('the list of local services', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is brought to every connection, and agreed when each has its answer', () => {
    const { offers, link, agreed } = lab();
    const [one, two] = [link(), link()];
    offers.joined(one.it, [port('web')]);
    offers.joined(two.it, [port('web')]);
    const before = agreed();
    offers.change([offer('web'), offer('api')], []);
    expect([one, two].map(({ told }) => told[0]?.services.map(({ name }) => name))).toEqual([
      ['web', 'api'],
      ['web', 'api'],
    ]);
    expect(offers.replied(one.it, { number: 1, ports: [port('web'), port('api')] })).toBe(true);
    expect(agreed()).toBe(before);
    offers.replied(two.it, { number: 1, ports: [port('web'), port('api')] });
    expect(agreed()).toBe(before + 1);
  });

  it('does not wait for a connection that has left, nor goes by the answer to a list before', () => {
    const { offers, link, agreed } = lab();
    const [one, two] = [link(), link()];
    offers.joined(one.it, [port('web')]);
    offers.joined(two.it, [port('web')]);
    offers.change([offer('api')], []);
    offers.change([offer('other')], []);
    const before = agreed();
    expect(offers.replied(one.it, { number: 1, ports: [port('api')] })).toBe(false);
    offers.replied(one.it, { number: 2, ports: [port('other')] });
    expect(agreed()).toBe(before);
    offers.left(two.it);
    expect(agreed()).toBe(before + 1);
  });

  it('is brought to a connection that was dialled with the one before', () => {
    const { offers, link } = lab();
    const one = link();
    offers.change([offer('api')], []);
    offers.joined(one.it, [port('web')]);
    expect(one.told).toMatchObject([{ number: 1, services: [{ name: 'api' }] }]);
  });

  it('has a connection renewed whose gateway takes none', () => {
    const { offers, link, renewed, agreed } = lab();
    const old = link(false);
    offers.joined(old.it, [port('web')]);
    const before = agreed();
    offers.change([offer('api')], []);
    expect(renewed).toEqual([old.it]);
    const next = link(false);
    offers.left(old.it);
    offers.joined(next.it, [port('api')]);
    expect([old.told, next.told, agreed() > before]).toEqual([[], [], true]);
  });

  it('is told again, less and less often, while a port may still come', () => {
    const { offers, link } = lab();
    const one = link();
    const none = [port('web', 'BERTH_PORTS_EXHAUSTED')];
    offers.joined(one.it, none);
    for (const [index, wait] of [250, 500, 1000, 2000].entries()) {
      jest.advanceTimersByTime(wait - 1);
      expect(one.told).toHaveLength(index);
      jest.advanceTimersByTime(1);
      expect(one.told).toHaveLength(index + 1);
      offers.replied(one.it, { number: 0, ports: none });
    }
    offers.replied(one.it, { number: 0, ports: [port('web', 'BERTH_PORT_NOT_REQUESTABLE')] });
    expect(jest.getTimerCount()).toBe(0);
    offers.replied(one.it, { number: 0, ports: none });
    offers.close();
    expect(jest.getTimerCount()).toBe(0);
  });
});
