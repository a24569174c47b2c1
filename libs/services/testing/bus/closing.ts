import { eventually } from '@berth/testing';
import { answering, codeOf, HeldHandler, invocation, labTest, type MakeBuses, ofObject, subscription } from './lab.js';

/** The end of a bus. */
export function closingContract(make: MakeBuses): void {
  const test = labTest(make);

  test('close fails the calls that wait, and all later ones', async (lab) => {
    const held = new HeldHandler();
    await lab.serve({}, held.handle);
    const waiting = [lab.call(invocation()), lab.call(ofObject('one')), lab.call(ofObject('one'), 'at-least-once')];
    await eventually(() => held.begun.length === 2);
    expect(lab.caller.health().state).toBe('up');
    await lab.caller.close();
    for (const call of waiting) expect(await codeOf(call)).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
    expect(await codeOf(lab.call(invocation()))).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
    expect(await codeOf(lab.caller.serve(subscription(), answering('late')))).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
    expect(lab.caller.health().state).toBe('closed');
    await lab.caller.close();
    held.answerAll();
  });

  test('close stops the subscriptions of its bus and aborts what runs in them', async (lab) => {
    const held = new HeldHandler();
    const bus = await lab.connect();
    const agent = await bus.serve(subscription(), held.handle);
    const call = lab.call(ofObject('one', { deadline: Date.now() + 5000 }));
    await eventually(() => held.begun.length === 1);
    const { signal } = held.begun[0] ?? {};
    expect(signal?.aborted).toBe(false);
    await bus.close();
    expect(signal?.aborted).toBe(true);
    expect(agent.state).toBe('stopped');
    await agent.stop(1000);
    held.answerAll();
    // Of a bus of one process it is the caller's too; else the worker was lost.
    expect(await codeOf(call)).toMatch(/^BERTH_SERVICE_(BUS_UNAVAILABLE|OUTCOME_UNKNOWN|TIMEOUT)$/);
    expect(held.begun).toHaveLength(1);
  });
}
