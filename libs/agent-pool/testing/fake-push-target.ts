import type { PushTarget } from '../src/index.js';

/** A connection that writes down what is pushed over it. */
export class FakeTarget implements PushTarget {
  readonly agentId: string = 'agent-1';
  readonly origin: { instanceId: string };
  features: ReadonlySet<string> = new Set(['config_push']);
  leaving = false;
  broken = false;
  readonly sent: string[] = [];
  readonly ids: string[] = [];

  constructor(
    readonly id: string,
    instanceId = 'one',
    over: Partial<FakeTarget> = {},
  ) {
    this.origin = { instanceId };
    Object.assign(this, over);
  }

  pushConfig({ pushId, configJson }: { pushId: string; configJson: string }): void {
    this.sent.push(configJson);
    if (this.broken) throw new Error('nothing can be sent');
    this.ids.push(pushId);
  }
}
