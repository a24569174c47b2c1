import {
  type AgentAnswer,
  type AgentCapabilities,
  type AgentHost,
  allowed,
  type AskedEvent,
  type CancelMessage,
  correlationOf,
  type ProxyLink,
  type ProxyMessage,
} from '../src/index.js';
import { capabilitiesOf, isAsked } from './fake-link.js';

/** The agent's side of a real link: answers as a test says. */
export class ServedAgent implements AgentHost {
  readonly links = new Set<ProxyLink>();
  readonly cancels: CancelMessage[] = [];
  asked = 0;

  /** @param answer undefined: none at all */
  constructor(
    private readonly answer: (event: AskedEvent) => Partial<AgentAnswer> | undefined,
    private readonly about: AgentCapabilities = capabilitiesOf(),
  ) {}

  capabilities(): AgentCapabilities {
    return this.about;
  }

  linked(link: ProxyLink): void {
    this.links.add(link);
    link.receiver = {
      message: (message) => this.take(link, message),
      drained: () => undefined,
      closed: () => this.links.delete(link),
    };
  }

  private take(link: ProxyLink, message: ProxyMessage): void {
    if (message.kind === 'cancel') this.cancels.push(message);
    if (!isAsked(message)) return;
    this.asked += 1;
    const answer = this.answer(message);
    if (answer !== undefined) link.send({ ...allowed(correlationOf(message)), ...answer });
  }
}
