import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { messageOf } from '@berth/errors';
import type { PemNames } from '@berth/node-runtime';
import { readPemFiles } from './pem-files.js';
import type { Report } from './program.js';

const NONE = { caFile: '', certFile: '', keyFile: '' };

/**
 * Reports everything that is wrong with the files of a TLS end: each by itself,
 * then whether key and certificate belong together; and a certificate of our
 * own that is not good today.
 *
 * @param files paths; empty: none
 * @param names paths of the settings
 */
export function inspectPem(files: Record<keyof PemNames, string>, names: PemNames, report: Report): void {
  const which = ['caFile', 'certFile', 'keyFile'] as const;
  const wrong = which.filter((one) => {
    const problem = problemOf({ ...NONE, [one]: files[one] }, names);
    if (problem !== undefined) report(names[one], problem.slice(names[one].length + 2));
    return problem !== undefined;
  });
  if (!wrong.includes('certFile') && files.certFile !== '') {
    const fault = validityFault(new X509Certificate(readFileSync(files.certFile)));
    if (fault !== undefined) report(names.certFile, fault);
  }
  const together = wrong.length === 0 ? problemOf(files, names) : undefined;
  if (together !== undefined) report(names.keyFile, together.slice(names.keyFile.length + 2));
}

/** Why a certificate is not good today, such as `has expired on …`. */
export function validityFault({ validFromDate, validToDate }: X509Certificate): string | undefined {
  if (validToDate.getTime() < Date.now()) return `has expired on ${validToDate.toISOString()}`;
  if (validFromDate.getTime() > Date.now()) return `is not good before ${validFromDate.toISOString()}`;
  return undefined;
}

/** Begins with the name of the setting. */
function problemOf(files: Record<keyof PemNames, string>, names: PemNames): string | undefined {
  try {
    readPemFiles(files, names);
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}
