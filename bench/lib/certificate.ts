import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate for 127.0.0.1 that signs itself, for two days (P-256). */
export function newCertificate(directory: string): Certificate {
  const [certFile, keyFile] = [join(directory, 'bench.crt'), join(directory, 'bench.key')];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  const names = ['-subj', '/CN=bench', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', certFile, '-days', '2', ...names], { stdio: 'pipe' });
  return { certFile, keyFile };
}
