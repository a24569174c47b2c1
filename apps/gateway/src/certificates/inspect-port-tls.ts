import { type Frozen, inspectPem, type Report, validityFault } from '@berth/config';
import { messageOf } from '@berth/errors';
import { readCertificate } from './port-certificate.js';
import { type PortTlsSettings, TLS_OFF } from './port-tls.settings.js';

/** Looks at the files of `ingress.tls`, for `verify`: whether ports could have them, and whether they are good today. */
export function inspectPortTls(tls: Frozen<PortTlsSettings>, report: Report): void {
  if (!tls.enabled) return;
  const name = (setting: string): string => `ingress.tls.${setting}`;
  inspectPem(tls, { caFile: name('caFile'), certFile: name('certFile'), keyFile: name('keyFile') }, report);
  if (tls.certFile !== '' && tls.keyFile !== '') {
    try {
      readCertificate(name('certFile'), tls, tls);
    } catch (thrown) {
      // Of files that have been told of, this says nothing more; what is left is what OpenSSL thinks of them.
      const [path = '', ...what] = messageOf(thrown).split(': ');
      report(path, what.join(': '));
    }
  }
  const own = Object.entries(tls.certificates).map(([owner, file]) =>
    file === TLS_OFF ? undefined : faultOf(`"${owner}"`, file),
  );
  const further = tls.sniFiles.map((file) => faultOf('', file));
  tell('certificates', own);
  tell('sniFiles', further);

  function tell(setting: string, faults: (string | undefined)[]): void {
    const found = faults.filter((fault) => fault !== undefined);
    if (found.length > 0) report(name(setting), found.join('; '));
  }
}

/** @param entry of the setting; empty: the file says enough */
function faultOf(entry: string, file: string): string | undefined {
  const where = entry === '' ? 'file' : entry;
  try {
    const { leaf } = readCertificate(where, { certFile: file, keyFile: '' }, WITHOUT_RULES);
    const fault = validityFault(leaf);
    return fault === undefined ? undefined : `${where}: ${file} ${fault}`;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/** What concerns all certificates is looked at with the main one. */
const WITHOUT_RULES = { caFile: '', ciphers: '', minVersion: 'TLSv1.2' } as const;
