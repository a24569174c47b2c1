import { agentAddress, urlsOf } from './agent-address.js';

const ONE = { target: 'http://localhost:3000', expose: {} };

describe('agentAddress', () => {
  it.each([
    ['http', '', 'gateway.example:9090', 'http://gateway.example:8100'],
    ['tcp', '', '[::1]:9090', 'tcp://[::1]:8100'],
    ['https', 'berth.example', '10.0.0.1:9090', 'https://berth.example:8100'],
    ['http', '2001:db8::1', '10.0.0.1:9090', 'http://[2001:db8::1]:8100'],
    ['', '', '10.0.0.1:9090', 'http://10.0.0.1:8100'],
  ])('scheme %j and host %j of a Welcome from %s make %s', (scheme, host, gateway, url) => {
    const address = agentAddress({ scheme, host, port: 8100, ports: [] }, { ...ONE, gateway });
    expect(address.url).toBe(url);
    expect(address.services).toEqual([{ name: 'default', target: ONE.target, port: 8100, url }]);
    expect(urlsOf(address)).toEqual({});
  });

  it('names each local service, those without a port too', () => {
    const settings = {
      target: '',
      expose: { web: 'http://localhost:1', ssh: 'tcp://localhost:22' },
      gateway: 'g:9090',
    };
    const ports = [
      { name: 'ssh', port: 8101, scheme: 'tcp', code: '', message: '' },
      { name: 'web', port: 0, scheme: '', code: 'BERTH_PORTS_EXHAUSTED', message: 'none is free' },
    ];
    const address = agentAddress({ scheme: 'tcp', host: '', port: 8101, ports }, settings);
    expect(address.services).toEqual([
      {
        name: 'web',
        target: 'http://localhost:1',
        port: 0,
        url: '',
        refused: { code: 'BERTH_PORTS_EXHAUSTED', message: 'none is free' },
      },
      { name: 'ssh', target: 'tcp://localhost:22', port: 8101, url: 'tcp://g:8101' },
    ]);
    expect(urlsOf(address)).toEqual({ urls: { web: '', ssh: 'tcp://g:8101' } });
  });
});
