import { BerthError } from '@berth/errors';
import { connection, hello, LoneSession, open } from '../testing/lone-session.js';
import { turn } from '../testing/wire.js';
import { encodeControl } from './control-messages.js';
import { FrameField } from './frame-encoder.js';

const bytes = (frame: string): Buffer => Buffer.from(frame, 'latin1');

function closedWith(lone: LoneSession): (string | null)[] {
  return lone.closed.map((error) => error?.code ?? null);
}

describe('connection frames', () => {
  it('answer a Ping with the very bytes of its number, 64 bits and all', async () => {
    const lone = new LoneSession('agent');
    const sequence = '\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01';
    lone.receive(connection(FrameField.ping, sequence));
    await turn();
    expect(lone.sent).toEqual([connection(FrameField.pong, sequence)]);
  });

  it('carry hello, welcome, refused, goaway and pong to their listeners', () => {
    const heard: unknown[] = [];
    const hear = (value: unknown): void => void heard.push(value);
    const agent = new LoneSession('agent', { welcome: hear, refused: hear, goaway: hear, pong: hear, extension: hear });
    const limits = { maxExchanges: 0, initialWindowBytes: 4096 };
    const welcome = { version: 1, connectionId: 'c', port: 8100, scheme: 'tcp', host: '', limits, features: ['x'] };
    const pings = { pingIntervalMs: 10_000, pingTimeoutMs: 5000 };
    const refused = { code: 'BERTH_PORTS_EXHAUSTED', message: 'none', retryable: true };
    const goaway = { reason: 1, deadlineMs: 30_000, reconnect: true } as const;
    const frames = [
      encodeControl('welcome', { ...welcome, ...pings }),
      encodeControl('refused', refused),
      encodeControl('goaway', goaway),
      encodeControl('pong', { sequence: 7 }),
    ];
    agent.session.receive(bytes(frames.join('')));
    expect(heard).toEqual([{ ...welcome, ...pings }, refused, goaway, 7]);
    expect(agent.closed).toEqual([]);
  });

  it('hand extensions on undecoded', () => {
    const heard: unknown[] = [];
    const gateway = new LoneSession('gateway', { extension: (field, body) => void heard.push([field, body.length]) });
    gateway.receive(connection(FrameField.health, '\x08\x01'), connection(FrameField.pause));
    expect(heard).toEqual([
      [FrameField.health, 2],
      [FrameField.pause, 0],
    ]);
  });

  it('tell the agent why it is refused, before the stream ends', () => {
    const lone = new LoneSession('gateway');
    lone.session.refuse(new BerthError('BERTH_PORTS_EXHAUSTED', 'none'));
    expect(lone.sent).toMatchObject([{ kind: 'connection', field: FrameField.refused }]);
    expect(lone.wire.closedWith).toMatchObject([{ code: 'BERTH_PORTS_EXHAUSTED' }]);
  });

  it.each([
    ['a second Hello', () => gatewayThat((lone) => lone.session.receive(hello()))],
    ['Welcome to a gateway', () => gatewayThat((lone) => lone.receive(connection(FrameField.welcome)))],
    ['Refused to a gateway', () => gatewayThat((lone) => lone.receive(connection(FrameField.refused)))],
    ['ConfigPush to a gateway', () => gatewayThat((lone) => lone.receive(connection(FrameField.configPush)))],
    ['Open to a gateway', () => gatewayThat((lone) => lone.receive(open(1)))],
    ['an unknown frame', () => gatewayThat((lone) => lone.receive(connection(29)))],
    ['a damaged Goaway', () => gatewayThat((lone) => lone.receive(connection(FrameField.goaway, '\x08')))],
    ['a damaged Ping', () => gatewayThat((lone) => lone.receive(connection(FrameField.ping, '\x08\x80')))],
    ['Hello to an agent', () => agentThat((lone) => lone.session.receive(hello()))],
    ['Health to an agent', () => agentThat((lone) => lone.receive(connection(FrameField.health)))],
    [
      'a second Welcome',
      () => agentThat((lone) => lone.receive(connection(FrameField.welcome), connection(FrameField.welcome))),
    ],
  ])('close the connection on %s', (_name, run) => {
    const lone = run();
    expect(closedWith(lone)).toEqual(['BERTH_PROTOCOL_ERROR']);
    expect(lone.wire.closedWith.map((error) => error?.code ?? null)).toEqual(['BERTH_PROTOCOL_ERROR']);
  });

  it('must begin with Hello', () => {
    const lone = new LoneSession('gateway', {}, { greeted: false });
    lone.receive(connection(FrameField.ping, '\x08\x01'));
    expect(closedWith(lone)).toEqual(['BERTH_PROTOCOL_ERROR']);
  });

  it('must bring Welcome before the first Open', () => {
    const lone = new LoneSession('agent', {}, { greeted: false });
    lone.receive(open(1));
    expect(closedWith(lone)).toEqual(['BERTH_PROTOCOL_ERROR']);
    expect(lone.sinks).toEqual([]);
  });
});

function gatewayThat(does: (lone: LoneSession) => void): LoneSession {
  const lone = new LoneSession('gateway');
  does(lone);
  return lone;
}

function agentThat(does: (lone: LoneSession) => void): LoneSession {
  const lone = new LoneSession('agent');
  does(lone);
  return lone;
}
