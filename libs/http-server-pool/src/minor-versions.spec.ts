import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually, RawClient } from '@berth/testing';
import { acceptAllVersions } from './minor-versions.js';

describe('acceptAllVersions', () => {
  let server: Server;
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  /** What a server answers to a request of that version. */
  async function answerTo(version: string, isPrepared: boolean): Promise<string> {
    server = createServer((request, response) => response.end(`as ${request.httpVersion}`));
    if (isPrepared) acceptAllVersions(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = await RawClient.connect((server.address() as AddressInfo).port);
    client.socket.write(`GET / HTTP/${version}\r\nHost: x\r\nConnection: close\r\n\r\n`);
    await eventually(() => client.ended);
    client.socket.destroy();
    return client.text();
  }

  // Red? This Node makes its parsers differently: see minor-versions.ts.
  it.each(['1.0', '1.1', '1.2', '1.9', '2.0'])('hands over HTTP/%s', async (version) => {
    const answer = await answerTo(version, true);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain(`as ${version}`);
  });

  it('changes nothing for other servers of the process', async () => {
    expect(await answerTo('1.2', false)).toMatch(/^HTTP\/1\.1 400 /);
  });
});
