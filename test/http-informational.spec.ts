import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { eventually, localService, RawClient } from '@berth/testing';
import {
  answering,
  finish,
  headOf,
  recorded,
  relayTo,
  relayToRecorder,
  start,
  untilMatch,
} from '@berth/testing/system';

const EXPECTING = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n';

describe('interim responses', () => {
  it('Expect: 100-continue is passed on, and 100 comes only when the local service says so', async () => {
    await using relay = await relayToRecorder((connection) => {
      if (connection.text().endsWith('body')) connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    using client = await RawClient.connect(relay.port);
    client.send(EXPECTING);
    const connection = await eventually(() => relay.recorder.connections[0]);
    await eventually(() => /\r\nExpect: 100-continue\r\n.*\r\n\r\n$/s.test(connection.text()));
    expect(client.text()).toBe('');
    connection.socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    await eventually(() => client.text() === 'HTTP/1.1 100 Continue\r\n\r\n');
    client.send('body');
    await eventually(() => client.text().endsWith('\r\n\r\nok'));
    expect(client.text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200']);
  });

  it('417 is relayed, without a 100 before it, and ends the connection: the body may or may not follow', async () => {
    await using relay = await relayToRecorder(
      answering('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno'),
    );
    using client = await RawClient.connect(relay.port);
    client.send(EXPECTING);
    await eventually(() => client.ended);
    expect(client.text()).toMatch(/^HTTP\/1\.1 417 Expectation Failed\r\n.*\r\nConnection: close\r\n\r\nno$/s);
    client.send('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n');
    await untilMatch(relay.port, EXPECTING, /no$/);
    expect(recorded(relay.recorder)).not.toContain('smuggled');
  });

  it('a 100 that the client did not wait for is relayed all the same', async () => {
    await using relay = await relayToRecorder((connection) => {
      if (!connection.text().endsWith('body')) return;
      connection.socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    await untilMatch(relay.port, `${EXPECTING}body`, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n.*ok$/s);
  });

  it('102, 103 and unknown ones arrive at once, in order, with their headers', async () => {
    await using relay = await relayToRecorder((connection) => {
      if (connection.text().endsWith('\r\n\r\n')) {
        connection.socket.write(
          'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nlink: </b>\r\n\r\n',
        );
      }
    });
    const outgoing = start(relay.port);
    const seen: { statusCode: number; rawHeaders: string[] }[] = [];
    outgoing.on('information', (info) => seen.push(info));
    const head = headOf(outgoing);
    outgoing.end();
    await eventually(() => seen.length === 2);
    expect(seen[1]?.rawHeaders).toEqual(['Link', '</a>', 'link', '</b>']);
    const answer = 'HTTP/1.1 199 Odd\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    relay.recorder.connections[0]?.socket.write(answer);
    expect((await finish(await head)).text).toBe('ok');
    expect(seen.map(({ statusCode }) => statusCode)).toEqual([102, 103, 199]);
  });

  it('an HTTP/1.0 client gets none', async () => {
    await using relay = await relayToRecorder(
      answering('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    );
    expect(await untilMatch(relay.port, 'GET / HTTP/1.0\r\n\r\n', /ok$/)).toMatch(/^HTTP\/1\.1 200/);
  });

  it('a flood of interim responses costs the flooding service its answer, and nobody else', async () => {
    const flood = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(1000);
    await using relay = await relayToRecorder(answering(`${flood}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`));
    const text = await untilMatch(relay.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', /ok$/);
    expect(text.match(/HTTP\/1\.1 103/g)?.length).toBeLessThanOrEqual(64);
  });
});

describe('clients and services of Node', () => {
  it('an upload with Expect runs through', async () => {
    await using service = await localService(() => undefined);
    service.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      response.writeContinue();
      request.pipe(response);
    });
    await using relay = await relayTo(service.port);
    const outgoing = start(relay.port, {
      method: 'POST',
      headers: { Expect: '100-continue', 'Content-Length': '100000' },
    });
    const head = headOf(outgoing);
    await once(outgoing, 'continue');
    outgoing.end(Buffer.alloc(100_000, 'x'));
    expect((await finish(await head)).body.length).toBe(100_000);
  });
});
