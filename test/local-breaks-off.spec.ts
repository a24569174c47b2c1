import { createServer } from 'node:net';
import { eventually, type Listening, listening, RawClient } from '@berth/testing';
import { answering, codeIn, OK, relayTo, relayToRecorder, send } from '@berth/testing/system';

const TOO_LARGE = 'HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\n\r\nbig';

describe('a local service that ends its connection early', () => {
  async function refusingService(answer: string): Promise<Listening> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      // Closed with bytes unread, as after an answer on the head alone: the kernel resets the connection.
      socket.once('data', () => {
        socket.pause();
        socket.write(answer, 'latin1', () => socket.destroy());
      });
    });
    return listening(server);
  }

  /** Uploads piece by piece until an answer comes or the connection ends; what came back. */
  async function upload(port: number, framing: string, piece: string): Promise<string> {
    using client = await RawClient.connect(port);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${framing}\r\n\r\n`);
    const more = (): void => {
      for (let i = 0; i < 128 && client.text() === '' && !client.closed; i += 1) client.send(piece);
    };
    client.socket.on('drain', more);
    more();
    await eventually(() => client.ended || client.closed);
    return client.text();
  }

  it.each([
    ['Content-Length', 'Content-Length: 1073741824', 'x'.repeat(8192)],
    ['chunks', 'Transfer-Encoding: chunked', `2000\r\n${'x'.repeat(8192)}\r\n`],
    ['over node:http', 'Transfer-Encoding: chunked\r\nTrailer: x', `2000\r\n${'x'.repeat(8192)}\r\n`],
  ])('413 on the first bytes of an upload (%s) reaches every client', async (_name, framing, piece) => {
    await using stack = new AsyncDisposableStack();
    await using relay = await relayTo(stack.use(await refusingService(TOO_LARGE)).port);
    const answers = await Promise.all(Array.from({ length: 20 }, () => upload(relay.port, framing, piece)));
    const lines = answers.map((answer) => answer.slice(0, answer.indexOf('\r\n')));
    expect(lines).toEqual(Array.from({ length: 20 }, () => 'HTTP/1.1 413 Payload Too Large'));
  });

  it.each([
    ['GET', '/'],
    ['OPTIONS', '*'], // over node:http
  ])('a reset does not end a body well that has no other end (%s %s)', async (method, path) => {
    await using relay = await relayToRecorder(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nhello');
      setTimeout(() => socket.resetAndDestroy(), 20);
    });
    await expect(send(relay.port, { method, path })).rejects.toThrow('aborted');
  });

  it.each([
    ['in a piece of its own', ['HTTP/1.1 100 Continue\r\n\r\n', OK]],
    ['with the answer', [`HTTP/1.1 100 Continue\r\nX: 1\r\n\r\n${OK}`]],
    ['twice, byte by byte', `HTTP/1.1 100 \r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${OK}`.split('')],
  ])('an unasked 100 is skipped, %s', async (_name, pieces) => {
    await using relay = await relayToRecorder((connection) => {
      if (!connection.text().endsWith('body')) return;
      void (async () => {
        for (const piece of pieces) {
          connection.socket.write(piece);
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      })();
    });
    await using stack = new AsyncDisposableStack();
    for (let i = 0; i < 2; i += 1) {
      const client = stack.use(await RawClient.connect(relay.port));
      client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody');
      await eventually(() => client.text().endsWith('ok'));
      expect(client.text()).toMatch(/^HTTP\/1\.1 200 /);
    }
    // The connection to the service served both.
    expect(relay.recorder.connections.length).toBe(1);
  });

  it('nor is it passed on from a socket of its own', async () => {
    await using relay = await relayToRecorder((connection) => {
      if (connection.text().endsWith('0\r\n\r\n')) connection.socket.write(`HTTP/1.1 100 Continue\r\n\r\n${OK}`);
    });
    using client = await RawClient.connect(relay.port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTrailer: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n');
    await eventually(() => client.text().endsWith('ok'));
    expect(client.text()).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each(['099', '000'])('a status of %s costs its own exchange, and nobody else', async (number) => {
    await using relay = await relayToRecorder(answering(`HTTP/1.1 ${number} X\r\nContent-Length: 2\r\n\r\nok`));
    const asked = [send(relay.port), send(relay.port, { method: 'OPTIONS', path: '*' })];
    for (const { status, text } of await Promise.all(asked))
      expect([status, codeIn(text)]).toEqual([502, 'BERTH_LOCAL_SERVICE_FAILED']);
  });
});
