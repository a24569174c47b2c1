import {
  type AgentConfigAck,
  type AgentConnection,
  type AgentMetrics,
  type ConnectionListener,
  type Member,
  MemberSignals,
} from '@berth/agent-pool';
import type { Agent } from './agent.js';

/** What is heard of one connection in service, and where it goes. */
export class AgentSignals extends MemberSignals<AgentConnection> implements ConnectionListener {
  constructor(
    private readonly agent: Agent,
    member: Member<AgentConnection>,
  ) {
    super(
      member,
      () => {
        agent.admission.roomMade();
      },
      () => performance.now(),
    );
  }

  override pauseAsked(paused: boolean): void {
    this.agent.signals[paused ? 'pause' : 'resume'] += 1;
    super.pauseAsked(paused);
  }

  exchangeHeld(held: boolean): void {
    this.agent.signals[held ? 'hold' : 'release'] += 1;
  }

  capacityChanged(): void {
    this.agent.signals.capacity += 1;
  }

  metricsReported(_read: () => AgentMetrics): void {
    this.agent.signals.metrics += 1;
  }

  configAcknowledged(_ack: AgentConfigAck): void {
    this.agent.signals.acknowledgement += 1;
  }
}
