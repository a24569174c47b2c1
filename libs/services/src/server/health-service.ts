import type { handleServerStreamingCall, Server, ServerWritableStream } from '@grpc/grpc-js';
import { HealthImplementation, type ServingStatus } from 'grpc-health-check';

type Watcher = ServerWritableStream<{ readonly service: string }, { readonly status: string }>;
type Watch = handleServerStreamingCall<{ readonly service: string }, { readonly status: string }>;

/**
 * `grpc.health.v1.Health` for a fixed set of services that are all in the same
 * state. A watcher of another name is kept from the library, which would keep
 * each name that was ever asked for, and anybody may ask for any name.
 */
export class HealthService {
  private readonly library = new HealthImplementation();
  private readonly watchers = new Set<Watcher>();

  /** @param services `''` is the server as a whole */
  constructor(private readonly services: readonly string[]) {
    this.set('SERVING');
  }

  addTo(server: Server): void {
    const addService: Server['addService'] = (definition, handlers) => {
      const known = handlers['watch'] as Watch;
      server.addService(definition, { ...handlers, watch: (call: Watcher) => this.watch(call, known) });
    };
    this.library.addToServer({ addService });
  }

  /** Tells the watchers, and says it from now on. */
  set(state: ServingStatus): void {
    for (const service of this.services) this.library.setStatus(service, state);
  }

  /** Ends what watches. */
  close(): void {
    for (const call of this.watchers) call.end();
  }

  private watch(call: Watcher, known: Watch): void {
    // A service that is not known will not be: its watcher is answered once.
    if (!this.services.includes(call.request.service)) {
      call.write({ status: 'SERVICE_UNKNOWN' });
      return;
    }
    this.watchers.add(call);
    call.on('cancelled', () => this.watchers.delete(call));
    known(call);
  }
}
