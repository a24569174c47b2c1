import type { Log } from '@berth/observability';
import type { ServicePort } from '@berth/tunnel-protocol';
import type { NamedTargets } from '../service-offers.js';
import { type AgentAddress, agentAddress, urlsOf } from './agent-address.js';
import type { Link, Registration } from './link.js';
import { PortNews } from './port-news.js';

/** Tells log and owner where clients reach the agent, when that is new. */
export class Announcer {
  private readonly news: PortNews;
  private readonly registrations = new WeakMap<Link, Registration>();
  private shown = '';
  private wasReady = false;

  /** @param tell the owner: of the first connection that stands (again), or of other addresses than before */
  constructor(
    private readonly log: Log,
    private readonly tell: (event: 'ready' | 'services', address: AgentAddress) => void,
  ) {
    this.news = new PortNews(log);
  }

  /** A gateway has taken the agent. */
  welcomed(link: Link, registration: Registration, targets: NamedTargets): void {
    const { gateway } = link;
    this.registrations.set(link, registration);
    const { connectionId, ports } = registration;
    const address = agentAddress(registration, { ...targets, gateway });
    const urls = urlsOf(address);
    this.log.info({ event: 'registered', connectionId, gateway, url: address.url, ...urls }, 'registered');
    this.news.tell(ports);
    if (this.wasReady) return;
    this.wasReady = true;
    this.shown = JSON.stringify(address);
    this.tell('ready', address);
  }

  /** A gateway that had taken the agent has other ports for it. */
  changed(link: Link, ports: readonly ServicePort[], targets: NamedTargets): void {
    const registration = this.registrations.get(link);
    if (registration === undefined) return;
    const { port = 0, scheme = '' } = ports.find((it) => it.port !== 0) ?? {};
    const { gateway } = link;
    const address = agentAddress({ ...registration, ports: [...ports], port, scheme }, { ...targets, gateway });
    this.news.tell(ports);
    const shown = JSON.stringify(address);
    if (shown === this.shown) return;
    this.shown = shown;
    this.log.info({ event: 'services_changed', url: address.url, ...urlsOf(address) }, 'local services have changed');
    this.tell('services', address);
  }

  /** No connection is left. */
  lost(): void {
    this.wasReady = false;
  }
}
