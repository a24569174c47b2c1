import { createServer } from 'node:net';
import { jest } from '@jest/globals';
import { freePortRange, listening } from '@berth/testing';
import { Program, TestCa } from '@berth/testing/system';

jest.setTimeout(30_000);

describe('a gateway that cannot start', () => {
  const ca = new TestCa();
  afterAll(() => {
    ca.remove();
  });

  /** Exit code, what it says on stderr, and lines of its log above info that are no notice. */
  async function start(env: Record<string, string>): Promise<[number | string, string, string[]]> {
    const { start: port } = await freePortRange(1);
    const ports = { HTTP_AGENT_PORT_RANGE_START: String(port), HTTP_AGENT_PORT_RANGE_END: String(port) };
    await using program = new Program('gateway', [], {
      HTTP_PORT: '0',
      GRPC_PORT: '0',
      AUTH_TOKEN: 'x',
      ...ports,
      ...env,
    });
    const code = await program.exit;
    const lines = program.stdout.split('\n').filter((line) => line !== '' && !line.includes('"level":"info"'));
    return [code, program.stderr, lines];
  }

  it('says in one line which address cannot be had, why, and in which setting it is', async () => {
    await using taken = await listening(createServer());
    const port = String(taken.port);
    const inUse = 'something else listens there: stop it, or choose another port (EADDRINUSE)';
    expect(await start({ HTTP_PORT: port })).toEqual([
      1,
      `cannot listen on 127.0.0.1:${port}: ${inUse} (http.host, http.port)\n`,
      [],
    ]);
    expect(await start({ GRPC_HOST: '127.0.0.1', GRPC_PORT: port })).toEqual([
      1,
      `cannot listen on 127.0.0.1:${port}: ${inUse} (grpc.host, grpc.port)\n`,
      [],
    ]);
    // An address for documentation (RFC 5737), which no machine has.
    expect(await start({ GRPC_HOST: '192.0.2.1', GRPC_PORT: port })).toEqual([
      1,
      `cannot listen on 192.0.2.1:${port}: this machine has no such address (EADDRNOTAVAIL) (grpc.host, grpc.port)\n`,
      [],
    ]);
  });

  it('says in one line which file of TLS is wrong', async () => {
    const { certFile } = ca.issue('a');
    const { keyFile } = ca.issue('b');
    for (const group of ['GRPC', 'INGRESS']) {
      const tls = {
        [`${group}_TLS_ENABLED`]: 'true',
        [`${group}_TLS_CERT_FILE`]: certFile,
        [`${group}_TLS_KEY_FILE`]: keyFile,
      };
      const said = `${group.toLowerCase()}.tls.keyFile: ${keyFile} is not the key of the certificate ${certFile}\n`;
      expect(await start(tls)).toEqual([2, said, []]);
    }
  });
});
