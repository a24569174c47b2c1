import { BerthError } from '@berth/errors';
import { type DispatchSink, LastingExchange } from '@berth/exchange';
import { addressKey } from '../address-key.js';
import { type PortRule, refuse } from './port-rule.js';

/** How many exchanges are under way, of all clients and of each. */
export const exchangeLimits: PortRule = {
  reads: ['limits'],
  tcp: true,
  make({ limits: { maxExchanges, maxExchangesPerClient } }, { countRefusal }) {
    if (maxExchanges === 0 && maxExchangesPerClient === 0) return undefined;
    const counts = new Counts();
    return (next) => (request, sink) => {
      const client = addressKey(request.clientAddress);
      if (maxExchanges > 0 && counts.total >= maxExchanges) {
        const what = `this port has ${counts.total} exchanges under way, as many as it takes (limits.maxExchanges)`;
        countRefusal('limits.maxExchanges');
        refuse(sink, new BerthError('BERTH_TOO_MANY_CLIENTS', what));
      } else if (maxExchangesPerClient > 0 && counts.of(client) >= maxExchangesPerClient) {
        const what = `${client} has ${counts.of(client)} exchanges under way, as many as one client may have`;
        countRefusal('limits.maxExchangesPerClient');
        refuse(sink, new BerthError('BERTH_TOO_MANY_REQUESTS', `${what} (limits.maxExchangesPerClient)`));
      } else next(request, new CountedExchange(sink, counts, client));
    };
  },
};

class Counts {
  total = 0;
  private readonly clients = new Map<string, number>();

  of(client: string): number {
    return this.clients.get(client) ?? 0;
  }

  add(client: string): void {
    this.total += 1;
    this.clients.set(client, this.of(client) + 1);
  }

  remove(client: string): void {
    this.total -= 1;
    const left = this.of(client) - 1;
    if (left > 0) this.clients.set(client, left);
    else this.clients.delete(client);
  }
}

class CountedExchange extends LastingExchange {
  constructor(
    sink: DispatchSink,
    private readonly counts: Counts,
    private readonly client: string,
  ) {
    super(sink);
    counts.add(client);
  }

  protected override over(): void {
    this.counts.remove(this.client);
  }
}
