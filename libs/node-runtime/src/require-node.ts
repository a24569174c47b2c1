/** Oldest Node whose HTTP parser counts every header line; see docs/decisions/0002-node-version.md. */
export const REQUIRED_NODE = '24.18.1';

/** What is wrong with a version of Node, if anything; for people, with what to do. */
export function nodeFault(version: string = process.versions.node): string | undefined {
  const have = version.split('.').map(Number);
  const need = REQUIRED_NODE.split('.').map(Number);
  for (let i = 0; i < 3; i += 1) {
    const difference = (have[i] ?? 0) - (need[i] ?? 0);
    if (difference > 0) return undefined;
    if (difference < 0) {
      return (
        `Berth needs Node ${REQUIRED_NODE} or later, and this is ${version}.\n` +
        'Older versions have an HTTP parser flaw that lets requests be smuggled.\n' +
        'Install a newer one (https://nodejs.org); in a checkout "npm run gateway" and "npm run agent" bring it along.\n'
      );
    }
  }
  return undefined;
}

/**
 * Ends the process with a clear message on an older Node. Imports nothing, so
 * that no dependency can fail first.
 */
export function requireNode(version?: string): void {
  const fault = nodeFault(version);
  if (fault === undefined) return;
  process.stderr.write(fault);
  process.exit(2);
}
