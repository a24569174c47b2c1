import { defaultGatewaySettings } from 'berth-gateway';
import { OK, relayToRecorder, untilClosed, untilMatch } from '@berth/testing/system';

const PLAIN = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OLD = 'GET / HTTP/1.0\r\n\r\n';
const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
const PROCESSING = 'HTTP/1.1 102 Processing\r\n\r\n';

describe('the response timeout', () => {
  it('leaves time for long polls unless it is set otherwise', () => {
    expect(defaultGatewaySettings().ingress.responseTimeoutMs).toBe(120_000);
  });

  it.each([
    ['a request', PLAIN],
    ['a client of HTTP/1.0, which is sent none', OLD],
    ['an upgrade', UPGRADE],
  ])('interim responses count as progress: %s', async (_name, request) => {
    await using relay = await relayToRecorder(
      ({ socket }) => {
        let sent = 0;
        const timer = setInterval(() => {
          sent += 1;
          socket.write(sent < 6 ? PROCESSING : OK);
          if (sent === 6) clearInterval(timer);
        }, 400);
        socket.once('close', () => {
          clearInterval(timer);
        });
      },
      { gateway: { ingress: { responseTimeoutMs: 900 } } },
    );
    const text = await untilMatch(relay.port, request, /ok$/);
    expect(text.match(/HTTP\/1\.1 [2-5]\d\d/g)).toEqual(['HTTP/1.1 200']);
  });

  it.each([
    ['a request', PLAIN],
    ['an upgrade', UPGRADE],
  ])('504 names the setting: %s', async (_name, request) => {
    await using relay = await relayToRecorder(() => undefined, { gateway: { ingress: { responseTimeoutMs: 300 } } });
    const text =
      request === PLAIN ? await untilMatch(relay.port, request, /\}\}$/) : await untilClosed(relay.port, request);
    expect(text).toMatch(/^HTTP\/1\.1 504 .*agent-1 .*300 ms \(ingress\.responseTimeoutMs\)/s);
  });

  it.each([
    ['a request', PLAIN],
    ['an upgrade', UPGRADE],
    ['one with Expect', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n'],
  ])('and so it does where the time is the agent’s own: %s', async (_name, request) => {
    await using relay = await relayToRecorder(() => undefined, { agent: { local: { responseTimeoutMs: 300 } } });
    const text = await untilMatch(relay.port, request, /\}\}$/);
    expect(text).toMatch(/^HTTP\/1\.1 504 .*local\.responseTimeoutMs/s);
  });

  it('the agent’s own time is over when a pipe stands', async () => {
    await using relay = await relayToRecorder(
      ({ socket }) => {
        socket.write('HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
        setTimeout(() => socket.write('late'), 800);
      },
      { agent: { local: { responseTimeoutMs: 300 } } },
    );
    await untilMatch(relay.port, UPGRADE, /late$/);
  });
});
