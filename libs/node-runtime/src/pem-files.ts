import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** What TLS needs; null where no file was named. */
export interface PemFiles {
  ca: Buffer | null;
  cert: Buffer | null;
  key: Buffer | null;
}

/** By what name people know each of the files: a flag or a setting. */
export type PemNames = Record<'caFile' | 'certFile' | 'keyFile', string>;

const A_CERTIFICATE = /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/;

/**
 * Reads the files of a TLS end and looks whether they are what they are named
 * for, so that nobody has to read OpenSSL's words for it.
 *
 * @param files paths; empty: none
 * @param names stand in messages
 * @param refusing the error for a file that cannot be read or used; its message names it
 * @throws what `refusing` makes
 */
export function readPemFiles(
  files: Record<keyof PemNames, string>,
  names: PemNames,
  refusing: (message: string, cause?: unknown) => Error,
): PemFiles {
  const attempt = <T>(otherwise: string, act: () => T): T => {
    try {
      return act();
    } catch (thrown) {
      throw refusing(otherwise, thrown);
    }
  };
  const read = (which: keyof PemNames): Buffer | null => {
    const file = files[which];
    if (file === '') return null;
    try {
      return readFileSync(file);
    } catch (thrown) {
      throw refusing(`${names[which]}: cannot read ${file}: ${(thrown as Error).message}`, thrown);
    }
  };
  const certificate = (which: keyof PemNames, pem: Buffer | null): X509Certificate | null => {
    if (pem === null) return null;
    const problem = `${names[which]}: ${files[which]} is no certificate in PEM form`;
    // Node reads other forms too, which OpenSSL takes for a file with no certificate, and of several only the first one.
    if (!A_CERTIFICATE.test(pem.toString('latin1'))) throw refusing(problem);
    return attempt(problem, () => {
      createSecureContext(which === 'caFile' ? { ca: pem } : { cert: pem });
      return new X509Certificate(pem);
    });
  };
  const [ca, cert, key] = [read('caFile'), read('certFile'), read('keyFile')];
  certificate('caFile', ca);
  const own = certificate('certFile', cert);
  const secret =
    key &&
    attempt(`${names.keyFile}: ${files.keyFile} is no private key in PEM form without a passphrase`, () =>
      createPrivateKey(key),
    );
  if (own !== null && secret !== null && !own.checkPrivateKey(secret))
    throw refusing(`${names.keyFile}: ${files.keyFile} is not the key of the certificate ${files.certFile}`);
  return { ca, cert, key };
}
