import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { TestCa } from '@berth/testing/system';
import { createPooledServer, HttpServerConfigs, ServerPoolError } from './index.js';
import { of, says, serverConfig } from '../testing/pool-lab.js';

/** What validate throws. */
function faultsOf(configs: HttpServerConfigs): ServerPoolError {
  try {
    configs.validate();
  } catch (thrown) {
    if (thrown instanceof ServerPoolError) return thrown;
  }
  throw new Error('there was no fault');
}

describe('HttpServerConfigs', () => {
  it('D9, D11: validate tells every fault of every entry at once', () => {
    const { code, message, failures } = faultsOf(
      new HttpServerConfigs([
        serverConfig({ name: 'good', listen: 'localhost:81' }),
        serverConfig({ name: '', listen: 'nowhere' }),
        serverConfig({ name: 'twice', listen: 'LOCALHOST:81', stopGraceMs: -1 }),
        serverConfig({ name: 'good', listen: 'localhost:81' }),
        serverConfig({ name: 'secret', expose: 'not a url', tlsRequired: true, healthPath: 'x', bindAttempts: 0 }),
        serverConfig({ name: 'keyless', tls: { cert: 'x' }, maxConnections: 0.5 }),
        serverConfig({ name: 'broken', tls: { cert: 'x', key: 'y' } }),
      ]),
    );
    expect(code).toBe('BERTH_SERVER_POOL_VALIDATE_FAILED');
    expect(message).toMatch(/^6 of 7 servers are not valid: entry 2 \[nowhere\]: /);
    const of = (name: string): string =>
      failures
        .filter((it) => it.name === name)
        .map(({ error }) => error.message)
        .join();
    expect(of('entry 2')).toMatch(/^name: must be a text that is not empty, listen: "nowhere" is not an address/);
    expect(of('twice')).toBe('stopGraceMs: must be a whole number from 0 to 3600000');
    expect(of('good')).toBe('name: there is another server "good", listen: localhost:81 belongs to server "good"');
    expect(of('secret')).toBe(
      'expose: "not a url" is not a URL, bindAttempts: must be a whole number from 1 to 20, healthPath: must begin with /, tlsRequired: there is no certificate, neither its own nor a default',
    );
    expect(of('keyless')).toMatch(/^maxConnections: .*, tls: has no certificate/);
    expect(of('broken')).toMatch(/^tls: /);
  });

  it('D9: build gives the valid ones, and the error that names the others', async () => {
    const configs = new HttpServerConfigs([serverConfig({ name: 'a' }), serverConfig({ name: 'b', listen: '?' })]);
    const { pool, error } = configs.setHandler(says('for all')).build();
    expect([...pool].map(({ name }) => name)).toEqual(['a']);
    expect(error).toMatchObject({ code: 'BERTH_SERVER_POOL_VALIDATE_FAILED', failures: [{ name: 'b', bind: '?' }] });
    await pool.start();
    expect(await (await fetch(of(pool, 'a').expose)).text()).toBe('for all');
    await pool.stop(0);
    expect(new HttpServerConfigs([]).build()).toMatchObject({ error: undefined });
  });

  it('D9: walk shows each with what holds for all, and ends on false', () => {
    const own = says('own');
    const shared = says('shared');
    const configs = new HttpServerConfigs([serverConfig({ name: 'a' }), serverConfig({ name: 'b', handler: own })]);
    configs.setHandler(shared);
    const seen: unknown[] = [];
    expect(configs.walk(({ handler }) => seen.push(handler))).toBe(true);
    expect(seen).toEqual([shared, own]);
    expect(configs.walk(() => false)).toBe(false);
  });

  it('D9, D12: the default certificate is for those that have none and do not refuse it', async () => {
    using ca = new TestCa();
    const pair = ({ certFile, keyFile }: { certFile: string; keyFile: string }) => ({
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
    });
    const common = pair(ca.issue('common', 'IP:127.0.0.1'));
    const special = pair(ca.issue('special', 'IP:127.0.0.1'));
    const entries = [
      serverConfig({ name: 'inherits', tlsRequired: true }),
      serverConfig({ name: 'own', tls: special }),
      serverConfig({ name: 'plain', tls: false }),
    ];
    const { pool, error } = new HttpServerConfigs(entries).setDefaultTls(common).setHandler(says('hello')).build();
    expect(error).toBeUndefined();
    await pool.start();
    const subject = async (name: string): Promise<string | string[] | undefined> => {
      const request = get(of(pool, name).expose, { ca: readFileSync(ca.caFile), agent: false });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const { subject } = (response.socket as TLSSocket).getPeerCertificate();
      response.resume();
      await once(response, 'end');
      return subject.CN;
    };
    expect([await subject('inherits'), await subject('own')]).toEqual(['common', 'special']);
    expect(of(pool, 'plain').expose).toMatch(/^http:/);
    expect(await (await fetch(of(pool, 'plain').expose)).text()).toBe('hello');
    // D10: a TLS server is probed like any other.
    expect((await pool.assertHealthy()).map(({ scheme }) => scheme)).toEqual(['https', 'https', 'http']);
    await pool.stop(0);
  });

  it('D12: TLS required without a certificate fails', () => {
    expect(() => createPooledServer(serverConfig({ tlsRequired: true }))).toThrow('there is no certificate');
    expect(() => createPooledServer(serverConfig({ tlsRequired: true, tls: false }))).toThrow(
      'there is no certificate',
    );
  });
});
