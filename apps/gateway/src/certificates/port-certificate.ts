import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { readPemFiles } from '@berth/config';
import { BerthError, messageOf } from '@berth/errors';
import type { PortTlsSettings } from './port-tls.settings.js';

/** A certificate with its key, as it was read. */
export interface PortCertificate {
  /** that names it */
  readonly setting: string;
  readonly file: string;
  readonly leaf: X509Certificate;
  /** for a server without a name that was asked for */
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
}

export type TlsRules = Readonly<Pick<PortTlsSettings, 'caFile' | 'ciphers' | 'minVersion'>>;

/**
 * @param where `keyFile` empty: the certificate's file holds the key as well
 * @throws BerthError `BERTH_CONFIG_INVALID` naming setting and file
 */
export function readCertificate(
  setting: string,
  { certFile, keyFile }: { certFile: string; keyFile: string },
  rules: TlsRules,
): PortCertificate {
  const names = {
    caFile: 'ingress.tls.caFile',
    certFile: setting,
    keyFile: keyFile === '' ? setting : 'ingress.tls.keyFile',
  };
  const files = { caFile: rules.caFile, certFile, keyFile: keyFile === '' ? certFile : keyFile };
  const { ca, cert, key } = readPemFiles(files, names);
  if (cert === null || key === null) throw new BerthError('BERTH_CONFIG_INVALID', `${setting} is needed with TLS`);
  const options: SecureContextOptions = {
    cert,
    key,
    minVersion: rules.minVersion,
    ...(ca === null ? {} : { ca }),
    ...(rules.ciphers === '' ? {} : { ciphers: rules.ciphers }),
  };
  try {
    return { setting, file: certFile, leaf: new X509Certificate(cert), options, context: createSecureContext(options) };
  } catch (thrown) {
    // The files are what they are named for: what is left is the list of ciphers.
    const what = rules.ciphers === '' ? setting : 'ingress.tls.ciphers';
    throw new BerthError('BERTH_CONFIG_INVALID', `${what}: ${messageOf(thrown)}`);
  }
}
