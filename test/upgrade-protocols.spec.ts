import { eventually, RawClient } from '@berth/testing';
import {
  codeIn,
  headLines,
  idle,
  OK,
  RawAgent,
  recorded,
  relayToRecorder,
  testGateway,
  untilClosed,
} from '@berth/testing/system';

const NEXT = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n';
const upgrade = (protocols: string, start = 'GET /up HTTP/1.1', more = ''): string =>
  `${start}\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocols}\r\n` +
  `HTTP2-Settings: AAMAAABkAAQAAP__\r\n${more}\r\n`;
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n';

describe('which upgrades there are', () => {
  describe('a request that is relayed as a plain one', () => {
    let relay: Awaited<ReturnType<typeof relayToRecorder>>;
    beforeEach(async () => {
      relay = await relayToRecorder((connection) => {
        if (/(\r\n\r\n|body|0\r\n\r\n)$/.test(connection.text())) connection.socket.write(OK);
      });
    });
    afterEach(() => relay[Symbol.asyncDispose]());

    it.each([
      ['h2c', upgrade('h2c')],
      ['other names of HTTP', upgrade('H2C, HTTP/2.0, h2, TLS/1.2')],
      ['RFC 9110 section 7.8: HTTP/1.0', upgrade('x', 'GET /up HTTP/1.0')],
      ['a body', `${upgrade('x', 'POST /up HTTP/1.1', 'Content-Length: 4\r\n')}body`],
      [
        'a chunked body',
        `${upgrade('x', 'POST /up HTTP/1.1', 'Transfer-Encoding: chunked\r\n')}4\r\nbody\r\n0\r\n\r\n`,
      ],
    ])('%s', async (_name, request) => {
      const text = await untilClosed(relay.port, request);
      expect(headLines(text)[0]).toBe('HTTP/1.1 200 OK');
      expect(recorded(relay.recorder)).not.toMatch(/upgrade|http2-settings/i);
    });

    it.each([
      ['with a body', `${upgrade('x', 'POST /up HTTP/1.1', 'Content-Length: 4\r\n')}body`],
      [
        'with a chunked body',
        `${upgrade('x', 'POST /up HTTP/1.1', 'Transfer-Encoding: chunked\r\n')}4\r\nbody\r\n0\r\n\r\n`,
      ],
      ['for h2c', upgrade('h2c')],
    ])('a request pipelined behind an upgrade %s is not lost in silence', async (_name, request) => {
      const before = 'GET /before HTTP/1.1\r\nHost: a\r\n\r\n';
      using client = await RawClient.connect(relay.port);
      client.send(before + request + NEXT);
      await eventually(() => client.text().includes('Connection: close'));
      // Half a request: behind what was lost, no byte may count as the begin of one.
      client.send(`${NEXT}GET /half`);
      await eventually(() => client.ended);
      // RFC 9112 section 9.6: the last answer says that no other follows.
      const answers = client.text().split(/(?=HTTP\/1\.1 )/);
      expect(answers.map((it) => headLines(it)[0])).toEqual(['HTTP/1.1 200 OK', 'HTTP/1.1 200 OK']);
      expect(answers.map((it) => it.includes('Connection: close'))).toEqual([false, true]);
      expect(recorded(relay.recorder)).not.toMatch(/next|half/);
      await idle(relay.gateway);
    });
  });

  it('h2c is taken out of a list, and what is left is asked for', async () => {
    await using relay = await relayToRecorder(({ socket }) => socket.write(`${SWITCHED}Upgrade: websocket\r\n\r\nhi`));
    using client = await RawClient.connect(relay.port);
    client.send(upgrade('h2c, websocket'));
    await eventually(() => client.text().endsWith('hi'));
    const lines = headLines(recorded(relay.recorder)).filter((line) => !line.startsWith('X-Forwarded'));
    expect(lines).toEqual(['GET /up HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket']);
  });

  it('a protocol may be spelled in another case, and be one of several', async () => {
    await using relay = await relayToRecorder(({ socket }) => socket.write(`${SWITCHED}Upgrade: ECHO/2\r\n\r\nhi`));
    using client = await RawClient.connect(relay.port);
    client.send(upgrade('echo/1,echo/2'));
    await eventually(() => client.text().endsWith('hi'));
  });

  it.each([
    ['another', 'Upgrade: echo/2\r\n'],
    ['one more', 'Upgrade: echo/1, tls/1.3\r\n'],
    ['h2c', 'Upgrade: h2c\r\n'],
    ['none', ''],
  ])('502 when a service switches to %s than it was asked for', async (_name, line) => {
    await using relay = await relayToRecorder(({ socket }) => socket.write(`${SWITCHED}${line}\r\nhi`), {
      agent: { local: { responseTimeoutMs: 300 } },
    });
    const text = await untilClosed(relay.port, upgrade('echo/1'));
    expect(headLines(text)[0]).toMatch(/^HTTP\/1\.1 50[24] /);
    expect(text).not.toContain('hi');
    if (line !== '') expect(codeIn(text)).toBe('BERTH_BAD_AGENT_RESPONSE');
    await eventually(() => relay.recorder.connections[0]?.socket.destroyed);
  });

  it.each([
    ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'a request without one', ['Connection', 'Upgrade', 'Upgrade', 'x']],
    [upgrade('x'), 'one to something else', ['Connection', 'Upgrade', 'Upgrade', 'y']],
    [upgrade('x'), 'one, without saying to what', []],
  ])('502 when an agent upgrades: %j, %s', async (request, _what, headers) => {
    await using gateway = await testGateway();
    using agent = await RawAgent.registered(gateway.grpcPort, 'bad');
    using client = await RawClient.connect((await agent.welcome).port);
    client.send(request);
    const exchange = await eventually(() => agent.opened[0]);
    exchange.sendHead({ status: 101, reason: 'S', headers });
    exchange.sendData(Buffer.from('hi'));
    await eventually(() => client.text().endsWith('}}'));
    expect(headLines(client.text())[0]).toBe('HTTP/1.1 502 Bad Gateway');
    let ended = false;
    void agent.status.then(() => (ended = true));
    // In an exchange without an upgrade it is a breach of the protocol, which ends the connection.
    await eventually(() => exchange.closed || ended);
  });
});
