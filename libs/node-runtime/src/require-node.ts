/** Oldest Node whose HTTP parser counts every header line; see docs/decisions/0002-node-version.md. */
export const REQUIRED_NODE = '24.18.1';

/**
 * Ends the process with a clear message on an older Node. Imports nothing, so
 * that no dependency can fail first.
 */
export function requireNode(version: string = process.versions.node): void {
  const have = version.split('.').map(Number);
  const need = REQUIRED_NODE.split('.').map(Number);
  for (let i = 0; i < 3; i += 1) {
    const difference = (have[i] ?? 0) - (need[i] ?? 0);
    if (difference > 0) return;
    if (difference < 0) {
      process.stderr.write(
        `Berth needs Node ${REQUIRED_NODE} or later, and this is ${version}.\n` +
          'Older versions have an HTTP parser flaw that lets requests be smuggled.\n' +
          'Install a newer one (https://nodejs.org); in a checkout "npm run gateway" and "npm run agent" bring it along.\n',
      );
      process.exit(2);
    }
  }
}
