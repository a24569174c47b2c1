import { copyFileSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { eventually } from '@berth/testing';
import { type HttpsPort, httpsPorts } from '@berth/testing/system';

describe("certificates of agents' ports", () => {
  const { ca, otherCa, main, trusted, secrets, together, lab, get, headersOf, remove } = httpsPorts();
  afterAll(remove);

  it('the certificate of the agent, of the name asked for, of all ports: in that order', async () => {
    const own = together(ca.issue('own', 'DNS:own.test'));
    const further = together(ca.issue('further', 'DNS:*.further.test'));
    await using setup = await lab({ certificates: { a1: own }, sniFiles: [further] });
    const asked = async (servername: string): Promise<string> =>
      (await get(setup.port, '/', { servername, rejectUnauthorized: false })).certificate;
    expect(await asked('')).toBe('own');
    expect(await asked('own.test')).toBe('own');
    expect(await asked('b.further.test')).toBe('further');
    expect(await asked('gateway.test')).toBe('gateway');
    expect(await asked('nobody.test')).toBe('own');
  });

  it('a changed file counts for new connections at once, and those that stand go on', async () => {
    const pair = ca.issue('first', 'IP:127.0.0.1');
    const next = ca.issue('second', 'IP:127.0.0.1');
    await using setup = await lab(pair);
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await get(setup.port, '/', { agent: kept })).certificate).toBe('first');
    copyFileSync(next.certFile, pair.certFile);
    await eventually(() => setup.log.lines.some(({ msg }) => msg.startsWith('certificates of ports were not')));
    expect((await get(setup.port)).certificate).toBe('first');
    copyFileSync(next.keyFile, pair.keyFile);
    await eventually(async () => (await get(setup.port)).certificate === 'second');
    expect((await get(setup.port, '/', { agent: kept })).certificate).toBe('first');
    kept.destroy();
  });

  it('a file that breaks while the gateway runs changes nothing, and is told with its setting', async () => {
    const pair = ca.issue('first', 'IP:127.0.0.1');
    await using setup = await lab(pair);
    writeFileSync(pair.certFile, 'nonsense');
    await eventually(() =>
      setup.log.lines.some(
        ({ reason }) => reason === `ingress.tls.certFile: ${pair.certFile} is no certificate in PEM form`,
      ),
    );
    expect((await get(setup.port)).certificate).toBe('first');
  });

  it.each([
    ['a missing file', () => ({ certFile: join(ca.folder, 'none.crt') }), 'ingress.tls.certFile: cannot read'],
    ['a key of another certificate', () => ({ keyFile: ca.issue('other').keyFile }), 'ingress.tls.keyFile: '],
    ['a certificate without its key', () => ({ sniFiles: [main.certFile] }), 'ingress.tls.sniFiles: '],
    ['ciphers that nobody knows', () => ({ ciphers: 'NO-SUCH-CIPHER' }), 'ingress.tls.ciphers: '],
    ['no file', () => ({ certFile: '' }), 'ingress.tls.certFile'],
    ['no CA', () => ({ clientCert: 'require' as const }), 'ingress.tls.caFile'],
    ['one file for all', () => ({ certificates: { '*': main.certFile } }), '"*" can be off alone'],
    ['a wrong name', () => ({ certificates: { 'a 1': main.certFile } }), 'must be an agent id, or agent id/service'],
  ])('%s ends the start with the name of the setting', async (_name, tls, message) => {
    await expect(lab(tls())).rejects.toThrow(message);
  });

  it('client certificates: demanded, and their subject told as clients cannot tell it', async () => {
    await using setup = await lab({ clientCert: 'require', caFile: ca.caFile });
    const forged = { 'X-Client-Cert-Subject': 'CN=root', X_Client_Cert_Subject: 'CN=root' };
    const headers = await headersOf(setup.port, { ...secrets(ca.issue('Zoe, Ltd')), headers: forged });
    expect(headers['x-client-cert-subject']).toBe('CN=Zoe\\, Ltd');
    expect(headers['x_client_cert_subject']).toBeUndefined();
    await expect(get(setup.port)).rejects.toThrow();
    await expect(get(setup.port, '/', secrets(otherCa.issue('evil')))).rejects.toThrow();
    expect(setup.asked).toHaveLength(1);
  });

  it('client certificates that are only asked for: none is no subject, a foreign one no connection', async () => {
    await using setup = await lab({ clientCert: 'request', caFile: ca.caFile });
    const forged = { 'x-client-cert-subject': 'CN=root' };
    expect((await headersOf(setup.port, { headers: forged }))['x-client-cert-subject']).toBeUndefined();
    expect((await headersOf(setup.port, secrets(ca.issue('me'))))['x-client-cert-subject']).toBe('CN=me');
    await expect(get(setup.port, '/', secrets(otherCa.issue('evil')))).rejects.toThrow();
    const client = connectHttp2(`https://127.0.0.1:${setup.port}`, { ...trusted, ...secrets(ca.issue('two')) });
    const stream = client.request({ ':path': '/', 'x-client-cert-subject': 'CN=root' });
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect((JSON.parse(text) as Record<string, string>)['x-client-cert-subject']).toBe('CN=two');
    client.close();
  });

  describe('off in place of a certificate', () => {
    const scheme = (url: string) => url.slice(0, url.indexOf(':'));
    /** Addresses of the ports of the agent and of its service `api`. */
    async function addresses({ admin }: HttpsPort): Promise<string[]> {
      const { servers } = (await (await admin('/servers')).json()) as {
        servers: { name: string; scheme: string; bind: string; expose: string }[];
      };
      return ['agent a1', 'agent a1/api'].map((wanted) => {
        const found = servers.find(({ name }) => name === wanted);
        expect(found?.expose).toContain(`${found?.scheme ?? ''}://`);
        return found?.expose ?? '';
      });
    }

    it.each([
      ['an agent', () => ({ a1: 'off' }), ['http', 'http']],
      ['a service', () => ({ 'a1/api': 'off' }), ['https', 'http']],
      ['an agent, but not for a service', () => ({ a1: 'off', 'a1/api': together(main) }), ['http', 'https']],
      ['all others', () => ({ '*': 'off', 'a1/api': together(main) }), ['http', 'https']],
    ])('is plain HTTP for %s', async (_name, certificates, schemes) => {
      await using setup = await lab({ certificates: certificates(), clientCert: 'request', caFile: ca.caFile });
      const urls = await addresses(setup);
      expect(urls.map(scheme)).toEqual(schemes);
      const forged = { 'X-Client-Cert-Subject': 'CN=root' };
      for (const url of urls) {
        const { port } = new URL(url);
        const headers = url.startsWith('https')
          ? await headersOf(Number(port), { headers: forged })
          : ((await (await fetch(url, { headers: forged })).json()) as Record<string, string>);
        expect(headers['x-forwarded-proto']).toBe(scheme(url));
        expect(headers['x-client-cert-subject']).toBeUndefined();
      }
    });

    it('asks nobody for the certificate that other ports demand, and outlives a change of the files', async () => {
      const pair = ca.issue('first', 'IP:127.0.0.1');
      await using setup = await lab({
        ...pair,
        certificates: { 'a1/api': 'off' },
        clientCert: 'require',
        caFile: ca.caFile,
      });
      const [, api = ''] = await addresses(setup);
      await expect(get(setup.port)).rejects.toThrow();
      expect((await fetch(api)).status).toBe(200);
      copyFileSync(ca.issue('next').keyFile, pair.keyFile);
      await eventually(() => setup.log.lines.some(({ msg }) => msg.startsWith('certificates of ports were not')));
      copyFileSync(main.certFile, pair.certFile);
      copyFileSync(main.keyFile, pair.keyFile);
      await eventually(() => setup.log.lines.some(({ msg }) => msg === 'certificates of ports were read again'));
      expect((await fetch(api)).status).toBe(200);
    });
  });

  it('tells when certificates expire: in the log, and as a metric', async () => {
    const soon = together(ca.issue('soon', undefined, 3));
    const past = together(ca.issue('past', undefined, -1));
    await using setup = await lab({ ...ca.issue('long', 'IP:127.0.0.1', 100), sniFiles: [soon, past] });
    const told = setup.log.lines.filter(({ setting }) => setting !== undefined);
    expect(told).toEqual([
      expect.objectContaining({ level: 'warn', file: soon, daysLeft: 2, msg: 'a certificate of ports expires soon' }),
      expect.objectContaining({
        level: 'error',
        file: past,
        msg: 'a certificate of ports has expired: clients refuse it',
      }),
    ]);
    const metrics = await (await setup.admin('/metrics')).text();
    const found = metrics.match(/^berth_port_certificate_not_after_seconds\{.*\} (\S+)$/gm) ?? [];
    expect(found).toHaveLength(3);
  });
});
