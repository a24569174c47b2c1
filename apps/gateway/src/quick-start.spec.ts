import { defaultGatewaySettings } from './gateway-settings.js';
import { quickStartHint } from './quick-start.js';

const PARTS = { grpcPort: 9090, madeToken: '', agent: 'berth-agent', addresses: ['192.0.2.5', '10.0.0.1'] };

describe('quickStartHint', () => {
  it('has the command line with an address of this machine, and how to give a secret that it does not show', () => {
    const hint = quickStartHint(defaultGatewaySettings({ auth: { token: 'hush' } }), PARTS);
    expect(hint).toContain('\n  export BERTH_TOKEN=…');
    expect(hint).toContain('\n  berth-agent 3000 --gateway 192.0.2.5:9090\n');
    expect(hint).not.toContain('hush');
  });

  it('shows a secret that was made for this run', () => {
    const hint = quickStartHint(defaultGatewaySettings({ auth: { token: 'made' } }), { ...PARTS, madeToken: 'made' });
    expect(hint).toContain('export BERTH_TOKEN=made\n');
  });

  it('has no secret where none is asked for, and what the settings say of address and TLS', () => {
    const plain = quickStartHint(defaultGatewaySettings({ grpc: { host: '::1' } }), { ...PARTS, addresses: [] });
    expect(plain).not.toContain('BERTH_TOKEN');
    expect(plain).toContain('--gateway [::1]:9090\n');
    const tls = { enabled: true, certFile: '/c', keyFile: '/k' };
    const settings = defaultGatewaySettings({ grpc: { tls }, agentPorts: { publicHost: 'gw.example.org' } });
    expect(quickStartHint(settings, PARTS)).toContain('--gateway gw.example.org:9090 --tls\n');
  });
});
