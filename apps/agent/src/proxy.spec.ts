import { BerthError } from '@berth/errors';
import { loadAgentSettings } from './agent-settings.js';
import { checkProxy, normaliseProxy } from './proxy.js';

const load = (env: Record<string, string>, argv: string[] = []) =>
  loadAgentSettings({ argv: ['3000', '--id', 'a', ...argv], env, cwd: '/nonexistent' });

function proxyOf(env: Record<string, string>, ...argv: string[]): string {
  const result = load(env, argv);
  return result.kind === 'settings' ? result.settings.proxy : result.output;
}

const FAR = ['--gateway', 'gw.example.org:9090'];
const PROXY = 'http://proxy:3128';

describe('proxy', () => {
  it.each(['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY', 'grpc_proxy'])('is taken from %s', (name) => {
    expect(proxyOf({ [name]: PROXY }, ...FAR)).toBe(PROXY);
  });

  it('small letters win over capitals, HTTPS_PROXY over HTTP_PROXY, and an empty one is none', () => {
    const env = { HTTP_PROXY: 'http://d:1', http_proxy: 'http://c:1', HTTPS_PROXY: 'http://b:1', https_proxy: '' };
    expect(proxyOf(env, ...FAR)).toBe('http://b:1');
    expect(proxyOf({ ...env, https_proxy: 'http://a:1' }, ...FAR)).toBe('http://a:1');
  });

  it('the setting is stronger, "none" included, and NO_PROXY does not touch it', () => {
    expect(proxyOf({ HTTPS_PROXY: 'http://b:1' }, ...FAR, '--proxy', 'none')).toBe('');
    expect(proxyOf({ HTTPS_PROXY: 'http://b:1', AGENT_PROXY: 'own:2' }, ...FAR)).toBe('http://own:2');
    expect(proxyOf({ NO_PROXY: '*' }, ...FAR, '--proxy', 'http://own:2')).toBe('http://own:2');
  });

  it.each([
    ['gw.example.org:9090', 'gw.example.org'],
    ['gw.example.org:9090', 'EXAMPLE.org'],
    ['gw.example.org:9090', 'a, .example.org'],
    ['gw.example.org:9090', '*.example.org'],
    ['gw.example.org:9090', 'gw.example.org:9090'],
    ['gw.example.org:9090', '*'],
    ['10.1.2.3:9090', '10.0.0.0/8'],
    ['10.1.2.3:9090', '10.1.2.3'],
    ['[fd00::1]:9090', 'fd00::/8'],
    ['[fd00::1]:9090', '[fd00::1]:9090'],
    ['127.0.0.1:9090', ''],
    ['localhost:9090', ''],
    ['[::1]:9090', ''],
    ['srv:_berth._tcp.example.org', 'example.org'],
    ['srv:_berth._tcp.gw.example.org.', '.example.org'],
  ])('none for %s with NO_PROXY=%s', (gateway, list) => {
    for (const name of ['NO_PROXY', 'no_proxy', 'no_grpc_proxy'])
      expect(proxyOf({ HTTPS_PROXY: PROXY, [name]: list }, '--gateway', gateway)).toBe('');
  });

  it.each([
    ['gw.example.org:9090', 'ample.org,gw.example,gw.example.org:443,10.0.0.0/8,,'],
    ['srv:_berth._tcp.example.org', 'srv,ample.org,example.org:9090'],
    ['10.1.2.3:9090', '10.2.0.0/16,10.1.2.3/99,1.2.3,fd00::/8,10.1.2.3:80'],
  ])('one for %s with NO_PROXY=%s', (gateway, list) => {
    expect(proxyOf({ HTTPS_PROXY: PROXY, NO_PROXY: list }, '--gateway', gateway)).toBe(PROXY);
  });

  it.each([
    ['proxy', 'http://proxy:80'],
    ['proxy:3128', 'http://proxy:3128'],
    ['http://u:p%40@proxy:3128/', 'http://u:p%40@proxy:3128'],
    ['http://[fd00::1]:3128', 'http://[fd00::1]:3128'],
    ['none', ''],
  ])('%s is %s', (text, url) => {
    expect(normaliseProxy(text)).toBe(url);
  });

  it.each([
    'https://proxy:3128',
    'socks5://proxy:1080',
    'http://proxy:3128/path',
    'http://',
    'a b',
    'http://proxy:0',
    'http://%zz@proxy',
  ])('%s is refused', (text) => {
    expect(checkProxy(text)).toMatch(/^must be http:\/\/host:port/);
  });

  it('says which variable holds a wrong one, and shows no password', () => {
    expect(() => load({ HTTPS_PROXY: 'https://me:s3cret@proxy' }, FAR)).toThrow(BerthError);
    expect(() => load({ HTTPS_PROXY: 'https://me:s3cret@proxy' }, FAR)).toThrow(
      'proxy: must be http://host:port, or with user:password@ before the host; "none" to go without (got "https://[REDACTED]@proxy", from env HTTPS_PROXY)',
    );
    const printed = proxyOf({ HTTPS_PROXY: 'http://me:s3cret@proxy' }, ...FAR, '--print-config');
    expect(printed).toContain('proxy: http://[REDACTED]@proxy:80');
    expect(printed).not.toContain('s3cret');
  });
});
