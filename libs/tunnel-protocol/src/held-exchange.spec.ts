import { credit, LoneSession, open } from '../testing/lone-session.js';
import { turn } from '../testing/wire.js';

describe('an exchange that the agent has paused', () => {
  it('gets neither Data nor its End until Resume, and others go on', async () => {
    const said: boolean[] = [];
    const lone = new LoneSession('gateway', { held: (held) => said.push(held) });
    const first = lone.open({ body: true });
    const second = lone.open({ body: true });
    lone.receive({ exchange: 1, kind: 'pause' }, { exchange: 1, kind: 'pause' });
    for (const exchange of [first, second]) {
      exchange.sendData(Buffer.from('x'));
      exchange.sendEnd();
    }
    await turn();
    expect(lone.sentKinds).toEqual(['open 1', 'open 2', 'data 2', 'end 2']);
    lone.receive({ exchange: 1, kind: 'resume' }, { exchange: 1, kind: 'resume' });
    await turn();
    expect(lone.sentKinds.slice(4)).toEqual(['data 1', 'end 1']);
    expect(said).toEqual([true, false]);
  });

  it('keeps a bounded part of what waits, and asks for more once it goes on', async () => {
    const lone = new LoneSession('gateway');
    const exchange = lone.open({ body: true });
    // In the queue for the next batch already when it is paused.
    while (exchange.sendData(Buffer.alloc(16_384)));
    lone.receive({ exchange: 1, kind: 'pause' });
    await turn();
    expect(lone.sentKinds).toEqual(['open 1']);
    expect(lone.sinks[0]?.calls).toEqual([]);
    lone.receive(credit(1, 1_000_000), { exchange: 1, kind: 'resume' });
    await turn();
    expect(lone.sinks[0]?.calls).toEqual(['writable']);
  });

  it('may end while it is paused, and a Pause or Resume that comes behind its end is nothing', async () => {
    const lone = new LoneSession('gateway');
    const exchange = lone.open({ body: true });
    lone.receive({ exchange: 1, kind: 'pause' });
    exchange.sendData(Buffer.from('x'));
    exchange.reset(1, 'the client left');
    lone.receive({ exchange: 1, kind: 'resume' }, { exchange: 1, kind: 'pause' });
    await turn();
    expect(lone.sentKinds).toEqual(['open 1', 'reset 1']);
    expect(lone.session.inFlight).toBe(0);
    expect(lone.closed).toEqual([]);
  });

  it.each(['pause', 'resume'] as const)('a gateway has no say in that: %s ends the connection', (kind) => {
    const lone = new LoneSession('agent');
    lone.receive(open(1, true), { exchange: 1, kind });
    expect(lone.closed.map((error) => error?.code)).toEqual(['BERTH_PROTOCOL_ERROR']);
  });

  it('must have been opened', () => {
    const lone = new LoneSession('gateway');
    lone.receive({ exchange: 7, kind: 'pause' });
    expect(lone.closed.map((error) => error?.code)).toEqual(['BERTH_PROTOCOL_ERROR']);
  });
});
