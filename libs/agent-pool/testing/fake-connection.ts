import type { BerthError } from '@berth/errors';
import type { OpenedExchange, OpenHead, ResponseSink } from '@berth/exchange';
import { type AgentConfig, NO_LISTENER } from '../src/connection-listener.js';
import type { AgentConnection, ConnectionOrigin, DrainReason } from '../src/agent-connection.js';

/** A connection that carries nothing: it says what a test wants, and writes down what it is asked. */
export class FakeConnection implements AgentConnection {
  agentId = 'agent-1';
  origin: ConnectionOrigin = { remoteAddress: '', softwareVersion: '', instanceId: '' };
  connectedAt = Date.now();
  lastSeenAt = performance.now();
  inFlight = 0;
  capacity = 10;
  roundTripMs = 1;
  lastRoundTripMs = 1;
  accepting = true;
  congested = false;
  standby = false;
  draining = false;
  leaving = false;
  closed = false;
  readonly features = new Set<string>();
  listener = NO_LISTENER;
  readonly drained: DrainReason[] = [];
  readonly pushed: AgentConfig[] = [];
  readonly opened: { head: OpenHead; sink: ResponseSink }[] = [];
  onClosed: (error?: BerthError) => void = () => undefined;

  constructor(
    readonly id: string,
    over: Partial<FakeConnection> = {},
  ) {
    Object.assign(this, over);
  }

  open(head: OpenHead, sink: ResponseSink): OpenedExchange {
    this.opened.push({ head, sink });
    const nothing = (): void => undefined;
    const sending = { sendData: () => true, sendEnd: nothing, reset: nothing, consumed: nothing, discard: nothing };
    const state = { closed: false, sendEnded: !head.body, pipe: false, headReceived: false, informationalCount: 0 };
    const figures = { id: this.opened.length, openedAt: performance.now(), pendingBytes: 0 };
    return { openHead: head, connection: this, ...figures, ...state, ...sending };
  }

  exchanges(): readonly OpenedExchange[] {
    return [];
  }

  drain(reason: DrainReason): void {
    this.drained.push(reason);
    this.draining = true;
  }

  answers(): Promise<boolean> {
    return Promise.resolve(!this.closed);
  }

  pushConfig(config: AgentConfig): void {
    this.pushed.push(config);
  }

  close(error?: BerthError): void {
    if (this.closed) return;
    this.closed = true;
    this.onClosed(error);
  }
}

/** One that leads to a replica, by default to one of its own. */
export function fakeReplica(id: string, over: Partial<FakeConnection> = {}, instanceId = id): FakeConnection {
  return new FakeConnection(id, { origin: { remoteAddress: '', softwareVersion: '', instanceId }, ...over });
}
