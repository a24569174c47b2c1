import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { BerthError, messageOf } from '@berth/errors';

/** What TLS needs; null where no file was named. */
export interface PemFiles {
  ca: Buffer | null;
  cert: Buffer | null;
  key: Buffer | null;
}

/** By what name people know each of the files: a flag or a setting. */
export type PemNames = Record<'caFile' | 'certFile' | 'keyFile', string>;

/**
 * Reads the files of a TLS end and looks whether they are what they are named
 * for, so that nobody has to read OpenSSL's words for it.
 *
 * @param files paths; empty: none
 * @param names stand in messages
 * @throws BerthError `BERTH_CONFIG_INVALID` naming the file that cannot be read or used
 */
export function readPemFiles(files: Record<keyof PemNames, string>, names: PemNames): PemFiles {
  const read = (which: keyof PemNames): Buffer | null => {
    const file = files[which];
    return file === '' ? null : attempt(`${names[which]}: cannot read ${file}`, () => readFileSync(file), messageOf);
  };
  const certificate = (which: keyof PemNames, pem: Buffer | null): X509Certificate | null =>
    pem && attempt(`${names[which]}: ${files[which]} is no certificate in PEM form`, () => new X509Certificate(pem));
  const [ca, cert, key] = [read('caFile'), read('certFile'), read('keyFile')];
  certificate('caFile', ca);
  const own = certificate('certFile', cert);
  const secret =
    key &&
    attempt<KeyObject>(`${names.keyFile}: ${files.keyFile} is no private key in PEM form without a passphrase`, () =>
      createPrivateKey(key),
    );
  if (own !== null && secret !== null && !own.checkPrivateKey(secret))
    throw wrong(`${names.keyFile}: ${files.keyFile} is not the key of the certificate ${files.certFile}`);
  return { ca, cert, key };
}

function attempt<T>(otherwise: string, act: () => T, why?: (thrown: unknown) => string): T {
  try {
    return act();
  } catch (thrown) {
    throw wrong(why === undefined ? otherwise : `${otherwise}: ${why(thrown)}`);
  }
}

const wrong = (message: string): BerthError => new BerthError('BERTH_CONFIG_INVALID', message);
