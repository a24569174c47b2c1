import { BerthError } from '@berth/errors';
import { type PemFiles, type PemNames, readPemFiles as readFiles } from '@berth/node-runtime';

/**
 * The files of a TLS end, looked at.
 *
 * @param files paths; empty: none
 * @param names stand in messages
 * @throws BerthError `BERTH_CONFIG_INVALID` naming the file that cannot be read or used
 */
export function readPemFiles(files: Record<keyof PemNames, string>, names: PemNames): PemFiles {
  return readFiles(files, names, (message) => new BerthError('BERTH_CONFIG_INVALID', message));
}
