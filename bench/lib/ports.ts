import { readFileSync } from 'node:fs';

/** Below the range from which the kernel takes the ports of outgoing connections. */
const FIRST = 20_000;
const LAST = 31_999;

let next = FIRST + (process.pid % 50) * 40;

/** Ports that some socket of this machine listens on. */
function listening(): Set<number> {
  const ports = new Set<number>();
  for (const table of ['tcp', 'tcp6']) {
    for (const line of readFileSync(`/proc/net/${table}`, 'latin1').split('\n').slice(1)) {
      const [, local, , state] = line.trim().split(/\s+/);
      if (state === '0A') ports.add(parseInt(local?.split(':')[1] ?? '', 16));
    }
  }
  return ports;
}

/** @returns the first of `count` free ports in a row; none is handed out twice by a run until all were */
export function freePorts(count = 1): number {
  const taken = listening();
  for (let turn = 0; turn < 2; turn += 1) {
    for (let first = next; first + count - 1 <= LAST; first += 1) {
      const busy = Array.from({ length: count }, (_, i) => first + i).findLastIndex((port) => taken.has(port));
      if (busy < 0) {
        next = first + count;
        return first;
      }
      first += busy;
    }
    next = FIRST;
  }
  throw new Error(`no ${count} free ports in a row between ${FIRST} and ${LAST}`);
}
