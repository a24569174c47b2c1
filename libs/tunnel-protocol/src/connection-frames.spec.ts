import { BerthError } from '@berth/errors';
import { connection, hello, LoneSession, open } from '../testing/lone-session.js';
import { turn } from '../testing/wire.js';
import { encodeControl } from './control-messages.js';
import { FrameField } from './frame-encoder.js';
import { HealthCode } from './frames.js';

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
    const agent = new LoneSession('agent', { welcome: hear, refused: hear, goaway: hear, pong: hear });
    const limits = { maxExchanges: 0, initialWindowBytes: 4096 };
    const welcome = {
      version: 1,
      connectionId: 'c',
      port: 8100,
      scheme: 'tcp',
      host: '',
      limits,
      features: ['x'],
      ports: [],
    };
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

  it('carry what an agent says of itself to the gateway', () => {
    const heard: unknown[] = [];
    const hear =
      (name: string) =>
      (value?: unknown): void =>
        void heard.push([name, value]);
    const gateway = new LoneSession('gateway', {
      health: hear('health'),
      pause: hear('pause'),
      resume: hear('resume'),
      capacity: hear('capacity'),
      metricsReport: (read) => void heard.push(['metrics', read()]),
      configAck: hear('ack'),
      services: hear('services'),
    });
    const agent = new LoneSession('agent');
    const health = { state: HealthCode.unhealthy, message: 'the local service is away', service: 'web' };
    const histograms = { wait_seconds: { bounds: [0.1, 1], counts: [3, 2, 1], sum: 4.5 } };
    const report = { gauges: { load: 0.5 }, counters: { 'jobs{queue="mail"}': 2 ** 40 }, histograms };
    const ack = { pushId: 'p1', accepted: false, error: 'no such rule' };
    agent.session.tell('health', health);
    agent.session.hold(true);
    agent.session.hold(false);
    agent.session.tell('capacity', { maxExchanges: 0 });
    agent.session.tell('metricsReport', report);
    agent.session.tell('configAck', ack);
    const services = [{ name: 'api', kind: 'tcp', port: 8105, healthPath: '/up', loopback: true }];
    agent.session.tell('services', { number: 7, services });
    agent.session.close();
    for (const batch of agent.wire.log) gateway.session.receive(batch);
    expect(heard).toEqual([
      ['health', health],
      ['pause', undefined],
      ['resume', undefined],
      ['capacity', 0],
      ['metrics', report],
      ['ack', ack],
      ['services', { number: 7, services }],
    ]);
    expect(gateway.closed).toEqual([]);
  });

  it('pass over figures that nobody reads, damaged ones included, and break on those that somebody reads', () => {
    const damaged = connection(FrameField.metricsReport, '\x0a\x05');
    const idle = new LoneSession('gateway', { metricsReport: () => undefined });
    idle.receive(damaged);
    expect(idle.closed).toEqual([]);
    const reading = new LoneSession('gateway', { metricsReport: (read) => void read() });
    reading.receive(damaged);
    expect(closedWith(reading)).toEqual(['BERTH_PROTOCOL_ERROR']);
  });

  it('carry a configuration to the agent', () => {
    const heard: unknown[] = [];
    const agent = new LoneSession('agent', { configPush: (push) => void heard.push(push) });
    const push = { pushId: 'p1', configJson: '{"rules":["ä"]}' };
    agent.session.receive(bytes(encodeControl('configPush', push)));
    expect(heard).toEqual([push]);
  });

  it('tell the agent what became of its list of services', () => {
    const heard: unknown[] = [];
    const agent = new LoneSession('agent', { servicesReply: (reply) => void heard.push(reply) });
    const none = { name: 'api', port: 0, scheme: '', code: 'BERTH_PORT_TAKEN', message: 'is taken', retryable: true };
    const reply = { number: 7, ports: [none] };
    agent.session.receive(bytes(encodeControl('servicesReply', reply)));
    expect(heard).toEqual([reply]);
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
    ['ServicesReply to a gateway', () => gatewayThat((lone) => lone.receive(connection(FrameField.servicesReply)))],
    ['a damaged Services', () => gatewayThat((lone) => lone.receive(connection(FrameField.services, '\x12\x05')))],
    ['an unknown frame', () => gatewayThat((lone) => lone.receive(connection(31)))],
    ['a damaged Goaway', () => gatewayThat((lone) => lone.receive(connection(FrameField.goaway, '\x08')))],
    ['a damaged Ping', () => gatewayThat((lone) => lone.receive(connection(FrameField.ping, '\x08\x80')))],
    ['Hello to an agent', () => agentThat((lone) => lone.session.receive(hello()))],
    ['Services to an agent', () => agentThat((lone) => lone.receive(connection(FrameField.services)))],
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
