import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:tls';
import type { Log } from '@berth/observability';
import { eventually, freePortRange } from '@berth/testing';
import { TestCa } from '@berth/testing/system';
import { policyAgentsLab } from '../../testing/policy-agents-lab.js';
import { PolicyDoor } from './policy-door.js';
import { PolicyListenerSettings } from './policy-agents.settings.js';

/** Name in the certificate that a listener shows. */
async function shownAt(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { subjectaltname = '' } = socket.getPeerCertificate();
  socket.destroy();
  return subjectaltname;
}

it('the listener for agents that dial shows a renewed certificate, and keeps its own where a file cannot be used', async () => {
  using ca = new TestCa();
  const [used, next] = [ca.issue('used', 'DNS:before.test'), ca.issue('next', 'DNS:after.test')];
  const lines: string[] = [];
  const write = (_: object, message: string) => void lines.push(message);
  const log = { debug: write, info: write, warn: write, error: write } as unknown as Log;
  const settings = new PolicyListenerSettings();
  Object.assign(settings.tls, { certFile: used.certFile, keyFile: used.keyFile });
  const agents = policyAgentsLab();
  // Port 0 in the settings is none.
  const { start: port } = await freePortRange(1);
  settings.port = port;
  const door = new PolicyDoor(settings, agents, log);
  await door.open();
  expect(await shownAt(port)).toBe('DNS:before.test');
  copyFileSync(next.keyFile, used.keyFile);
  copyFileSync(next.certFile, used.certFile);
  await eventually(async () => (await shownAt(port)) === 'DNS:after.test');
  writeFileSync(used.certFile, 'nothing');
  await eventually(() => lines.at(-1)?.includes('was not changed') === true);
  expect(await shownAt(port)).toBe('DNS:after.test');
  await door.close();
});
