import type { ServicePort } from '@berth/tunnel-protocol';
import { PortNews } from './port-news.js';

const port = (name: string, code = ''): ServicePort => ({
  ...{ name, port: code === '' ? 8100 : 0, scheme: 'http', code, message: code === '' ? '' : 'why not' },
});

it('a local service without a port is told once for each reason, with what to do, and when it has one', () => {
  const lines: string[] = [];
  const at = (_fields: object, text: string): void => void lines.push(text);
  const news = new PortNews({ info: at, warn: at } as unknown as ConstructorParameters<typeof PortNews>[0]);
  news.tell([port('web'), port('api', 'BERTH_PORT_NOT_REQUESTABLE')]);
  news.tell([port('web'), port('api', 'BERTH_PORT_NOT_REQUESTABLE')]);
  expect(lines).toEqual([expect.stringMatching(/no port for a local service: why not; .*agentPorts\.requestable/)]);
  news.tell([port('web'), port('api', 'BERTH_PORTS_EXHAUSTED')]);
  expect(lines[1]).toBe('the gateway has no port for a local service: why not');
  news.tell([port('web'), port('api')]);
  expect(lines[2]).toBe('a local service has its port after all');
  news.tell([port('api', 'BERTH_PORTS_EXHAUSTED')]);
  news.tell([port('web')]);
  news.tell([port('api', 'BERTH_PORTS_EXHAUSTED')]);
  expect(lines).toHaveLength(5);
});
