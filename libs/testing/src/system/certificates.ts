import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface KeyPair {
  certFile: string;
  keyFile: string;
}

/** A certificate authority in a temporary folder. */
export class TestCa implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'berth-tls-'));
  readonly caFile = this.path('ca.crt');
  private serial = 0;

  constructor(name = 'test CA') {
    this.openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      '-keyout',
      this.path('ca.key'),
      '-out',
      this.caFile,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
    );
  }

  /**
   * @param subjectAltName such as `DNS:agent-1`
   * @param days that it is good for from now on; negative: it has expired
   */
  issue(commonName: string, subjectAltName?: string, days = 2): KeyPair {
    const name = `cert-${(this.serial += 1)}`;
    const [keyFile, certFile, request] = [this.path(`${name}.key`), this.path(`${name}.crt`), this.path(`${name}.csr`)];
    this.openssl('req', ...NEW_KEY, '-keyout', keyFile, '-out', request, '-subj', `/CN=${commonName}`);
    const extensions = this.path(`${name}.ext`);
    writeFileSync(extensions, subjectAltName === undefined ? '' : `subjectAltName=${subjectAltName}\n`);
    const signed = [
      '-CA',
      this.caFile,
      '-CAkey',
      this.path('ca.key'),
      '-set_serial',
      String(this.serial),
      '-days',
      String(days),
    ];
    this.openssl('x509', '-req', '-in', request, '-out', certFile, '-extfile', extensions, ...signed);
    return { certFile, keyFile };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  [Symbol.dispose](): void {
    this.remove();
  }

  private path(name: string): string {
    return join(this.folder, name);
  }

  private openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
