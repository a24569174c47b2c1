import { agentAddress } from './agent-address.js';

describe('agentAddress', () => {
  it.each([
    ['http', '', 'gateway.example:9090', 'http://gateway.example:8100'],
    ['tcp', '', '[::1]:9090', 'tcp://[::1]:8100'],
    ['https', 'berth.example', '10.0.0.1:9090', 'https://berth.example:8100'],
    ['http', '2001:db8::1', '10.0.0.1:9090', 'http://[2001:db8::1]:8100'],
    ['', '', '10.0.0.1:9090', 'http://10.0.0.1:8100'],
  ])('scheme %j and host %j of a Welcome from %s make %s', (scheme, host, gateway, url) => {
    expect(agentAddress({ scheme, host, port: 8100 }, gateway).url).toBe(url);
  });
});
