import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { inspectPem, type Report } from '@berth/config';
import type { AgentSettings } from './agent-settings.js';

/** Looks at the files that the settings name, for `verify`. */
export function inspectAgent({ configPush, local, metrics, tls }: AgentSettings, report: Report): void {
  if (tls.enabled) inspectPem(tls, { caFile: 'tls.caFile', certFile: 'tls.certFile', keyFile: 'tls.keyFile' }, report);
  const own = { caFile: 'local.tls.caFile', certFile: '', keyFile: '' };
  inspectPem({ caFile: local.tls.caFile, certFile: '', keyFile: '' }, own, report);
  // Both may come later; what cannot come later is the folder.
  inspectFolder('configPush.file', configPush.file, constants.W_OK, report);
  inspectFolder('metrics.file', metrics.file, constants.X_OK, report);
}

function inspectFolder(path: string, file: string, mode: number, report: Report): void {
  if (file === '') return;
  const folder = dirname(file);
  try {
    if (!statSync(folder).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    accessSync(folder, mode);
  } catch (thrown) {
    report(path, `is in a folder that cannot be used: ${(thrown as NodeJS.ErrnoException).code ?? 'error'}`);
  }
}
