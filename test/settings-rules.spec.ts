import type { DeepPartial } from '@berth/config';
import { type AgentSettings, defaultAgentSettings } from 'berth-agent';
import { defaultGatewaySettings, type GatewaySettings } from 'berth-gateway';

const gateway = (overrides: DeepPartial<GatewaySettings>) => () => defaultGatewaySettings(overrides);
const agent = (overrides: DeepPartial<AgentSettings>) => () =>
  defaultAgentSettings({ target: '3000', id: 'a', ...overrides } as Parameters<typeof defaultAgentSettings>[0]);

describe('defaults (A14)', () => {
  it('has the ports that the documents name', () => {
    const { http, grpc, shutdown, tunnel } = defaultGatewaySettings();
    expect(http).toMatchObject({ host: '127.0.0.1', port: 8080, agentPortRange: { start: 8100, end: 8200 } });
    expect([grpc.host, grpc.port, shutdown.timeoutMs]).toEqual(['0.0.0.0', 9090, 10_000]);
    expect([tunnel.sweepIntervalMs, tunnel.staleAfterMs]).toEqual([30_000, 120_000]);
  });

  it('takes overrides at any depth, and shares nothing between two', () => {
    const settings = defaultGatewaySettings({ http: { agentPortRange: { end: 8102 }, port: undefined } });
    expect(settings.http).toMatchObject({ host: '127.0.0.1', port: 8080, agentPortRange: { start: 8100, end: 8102 } });
    expect(defaultGatewaySettings().http.agentPortRange.end).toBe(8200);
    expect(Object.isFrozen(settings.http)).toBe(true);
    expect(defaultAgentSettings({ target: '3000', id: 'a' })).toMatchObject({
      target: 'http://localhost:3000',
      id: 'a',
    });
  });
});

describe('port range (A1)', () => {
  it('takes both ends, and one port alone', () => {
    const all = { agentPortRange: { start: 1, end: 65_535 } };
    expect(gateway({ http: { port: 0, ...all }, grpc: { port: 0 } })).not.toThrow();
    expect(gateway({ http: { agentPortRange: { start: 7000, end: 7000 } } })).not.toThrow();
  });

  it.each([
    [{ start: 8200, end: 8100 }, 'http.agentPortRange: start 8200 is above end 8100'],
    [{ start: 0 }, 'http.agentPortRange.start: must be a whole number from 1 to 65535 (got 0, from options)'],
    [{ end: 65_536 }, 'http.agentPortRange.end: must be a whole number from 1 to 65535 (got 65536, from options)'],
  ])('refuses %j by its name', (agentPortRange, message) => {
    expect(gateway({ http: { agentPortRange } })).toThrow(message);
  });

  it('may hold neither the admin nor the gRPC port', () => {
    const agentPortRange = { start: 8080, end: 9090 };
    expect(gateway({ http: { agentPortRange } })).toThrow(
      'http.port: 8080 lies in http.agentPortRange, 8080-9090: move one of them\n' +
        'grpc.port: 9090 lies in http.agentPortRange, 8080-9090: move one of them',
    );
    expect(gateway({ http: { agentPortRange: { start: 8081, end: 9089 } } })).not.toThrow();
  });
});

describe('rules of the gateway', () => {
  it('leaves admin and gRPC port to the system when they are 0', () => {
    expect(gateway({ http: { port: 0 }, grpc: { port: 0 } })).not.toThrow();
  });

  it('refuses one address for both of them', () => {
    const both = { http: { port: 9000 }, grpc: { port: 9000 } };
    expect(gateway(both)).toThrow('grpc.port: 9000 is the admin port as well (http.port): move one of them');
    expect(gateway({ ...both, grpc: { host: '127.0.0.2', port: 9000 } })).not.toThrow();
  });

  it('needs files for TLS, and a CA for client certificates (A15)', () => {
    const files = { certFile: '/c', keyFile: '/k', caFile: '/ca' };
    expect(gateway({ grpc: { tls: { enabled: true, ...files, clientCert: 'require' } } })).not.toThrow();
    expect(gateway({ grpc: { tls: { enabled: true } } })).toThrow(/grpc\.tls\.certFile: .*\ngrpc\.tls\.keyFile: /);
    const noCa = { enabled: true, ...files, caFile: '' };
    for (const clientCert of ['request', 'require'] as const) {
      expect(gateway({ grpc: { tls: { ...noCa, clientCert } } })).toThrow(
        `grpc.tls.caFile: is needed when grpc.tls.clientCert is ${clientCert}`,
      );
    }
    expect(gateway({ grpc: { tls: { ...files, clientCert: 'require' } } })).toThrow(
      'grpc.tls.clientCert: has no effect',
    );
  });

  it.each<[string, DeepPartial<GatewaySettings>]>([
    ['agentPorts.static', { agentPorts: { static: { '-x': 1 } } }],
    ['agentPorts.static', { agentPorts: { static: { a: 0 } } }],
    ['agentPorts.static', { agentPorts: { static: { a: 9000, b: 9000 } } }],
    ['agentPorts.static', { agentPorts: { static: { a: 9090 } } }],
    ['agentPorts.corsOrigins', { agentPorts: { corsOrigins: ['https://a.example/'] } }],
    ['ingress.maxHeaderBytes', { ingress: { maxHeaderBytes: 49_153 } }],
    ['ingress.idleTimeoutMs', { ingress: { idleTimeoutMs: 2_147_483_648 } }],
    ['ingress.affinity.secret', { ingress: { affinity: { secret: 'too short' } } }],
    ['ingress.affinity.header', { ingress: { affinity: { header: 'X A' } } }],
    ['ingress.affinity.agents', { ingress: { affinity: { agents: { 'web-*': 'biscuit' } } } } as never],
    ['ingress.affinity.agents', { ingress: { affinity: { agents: { '-x': 'cookie' } } } }],
    ['tunnel.windowStartBytes', { tunnel: { windowStartBytes: 16_383 } }],
    ['tunnel.windowMaxBytes', { tunnel: { windowMaxBytes: 262_143 } }],
    ['tunnel.staleAfterMs', { tunnel: { staleAfterMs: 20_000 } }],
    ['http.host', { http: { host: 'http://x' } }],
    ['log.level', { log: { level: 'loud' } }],
    ['htp', { htp: {} } as DeepPartial<GatewaySettings>],
  ])('refuses a wrong %s', (path, overrides) => {
    expect(gateway(overrides)).toThrow(new RegExp(`^${path}: [^\\n]*$`));
  });
});

describe('rules of the agent', () => {
  it.each<[string, DeepPartial<AgentSettings>]>([
    ['id', { id: '.x' }],
    ['id', { id: 'x'.repeat(65) }],
    ['target', { target: '' }],
    ['gateway', { gateway: 'https://gw:9090' }],
    ['gateway', { gateway: 'gw' }],
    ['gateway', { gateway: 'gw:65536' }],
    ['connections', { connections: 65 }],
    ['metadata', { metadata: { a: 1 as unknown as string } }],
    ['reconnect.maxMs', { reconnect: { minMs: 500, maxMs: 499 } }],
    ['local.maxHeaderBytes', { local: { maxHeaderBytes: 49_153 } }],
    ['local.checkIntervalMs', { local: { checkIntervalMs: -1 } }],
    ['maxConcurrency', { maxConcurrency: -1 }],
    ['maxConcurrency', { maxConcurrency: 5, protocol: 'silo' }],
    ['configPush.file', { configPush: { file: 'rules.json' }, protocol: 'silo' }],
    ['configPush.command', { configPush: { command: ['apply'] }, protocol: 'silo' }],
    ['configPush.command', { configPush: { command: [''] } }],
    ['tls.keyFile', { tls: { certFile: '/c' } }],
    ['tls.certFile', { tls: { keyFile: '/k' } }],
    ['tunnel.windowMaxBytes', { tunnel: { windowStartBytes: 20_000, windowMaxBytes: 19_999 } }],
  ])('refuses a wrong %s: %j', (path, overrides) => {
    expect(agent(overrides)).toThrow(new RegExp(`^${path}: [^\\n]*$`));
  });

  it('takes ids of 1 to 64 characters, and addresses of any family', () => {
    for (const id of ['a', '7', 'x'.repeat(64), 'A.b_c-9']) expect(agent({ id })).not.toThrow();
    for (const address of ['gw.example.org:443', '[::1]:9090', '10.0.0.1:1']) {
      expect(agent({ gateway: address })).not.toThrow();
    }
  });
});

describe('paths by which the gateway asks local services', () => {
  const expose = { api: '4000', ssh: 'tcp://127.0.0.1:22' };

  it.each([
    [{ api: 'healthz' }, 'the path of "api" must begin with / and have no spaces'],
    [{ api: '/a b' }, 'the path of "api" must begin with / and have no spaces'],
    [{ ssh: '/healthz' }, 'healthPaths: names "ssh", which is raw TCP and has no paths'],
  ])('refuses %j', (healthPaths, message) => {
    expect(agent({ expose, healthPaths })).toThrow(message);
    expect(agent({ expose, healthPaths: { api: '/healthz' } })).not.toThrow();
  });
});

describe('addresses that local services see', () => {
  const expose = { api: '4000', ssh: 'tcp://127.0.0.1:22' };

  it.each([
    [{ local: { hostHeader: 'http://a' } }, 'local.hostHeader: must be keep, target, or a host'],
    [{ local: { originUrl: 'app.test' } }, 'local.originUrl: must be http://host:port or https://host:port'],
    [{ hostHeaders: { api: '' } }, 'hostHeaders: that of "api" must be keep, target, or a host'],
    [{ originUrls: { api: 'https://a/b' } }, 'originUrls: that of "api" must be http://host:port'],
    [{ hostHeaders: { ssh: 'target' } }, 'hostHeaders: names "ssh", which is raw TCP and has no Host'],
    [{ hostHeaders: { web: 'target' } }, 'hostHeaders: names "web", but there is only'],
  ])('refuses %j', (overrides, message) => {
    expect(agent({ expose, ...overrides })).toThrow(message);
  });

  it('takes them for each HTTP service', () => {
    expect(agent({ expose, local: { hostHeader: 'target' }, originUrls: { api: 'https://a' } })).not.toThrow();
  });
});
