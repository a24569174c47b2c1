import {
  Metadata,
  type sendUnaryData,
  type Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  status as Grpc,
} from '@grpc/grpc-js';
import { service as definition } from 'grpc-health-check';

/** What `grpc.health.v1.Health` can say of a service that it knows. */
export type Serving = 'SERVING' | 'NOT_SERVING';

interface HealthRequest {
  readonly service: string;
}
interface HealthResponse {
  readonly status: Serving | 'SERVICE_UNKNOWN';
}
type Watcher = ServerWritableStream<HealthRequest, HealthResponse>;

/**
 * `grpc.health.v1.Health` for a fixed set of services that are all in the same
 * state. The implementation that comes with `grpc-health-check` keeps each name
 * that was ever asked for, and anybody may ask for any name.
 */
export class HealthService {
  private state: Serving = 'SERVING';
  private readonly watchers = new Set<Watcher>();

  /** @param services names besides `''`, which is the server as a whole */
  constructor(private readonly services: readonly string[]) {}

  addTo(server: Server): void {
    server.addService(definition, {
      check: (call: ServerUnaryCall<HealthRequest, HealthResponse>, done: sendUnaryData<HealthResponse>) => {
        if (this.knows(call.request.service)) done(null, { status: this.state });
        else done({ code: Grpc.NOT_FOUND, details: 'this service is not served here', metadata: new Metadata() });
      },
      watch: (call: Watcher) => {
        this.watch(call);
      },
      list: (_call: unknown, done: sendUnaryData<{ statuses: Record<string, HealthResponse> }>) => {
        const all = ['', ...this.services].map((name) => [name, { status: this.state }] as const);
        done(null, { statuses: Object.fromEntries(all) });
      },
    });
  }

  /** Tells the watchers, and says it from now on. */
  set(state: Serving): void {
    this.state = state;
    for (const call of this.watchers) call.write({ status: state });
  }

  /** Ends what watches. */
  close(): void {
    for (const call of this.watchers) call.end();
    this.watchers.clear();
  }

  private watch(call: Watcher): void {
    // A service that is not known will not be: its watcher is answered once.
    if (!this.knows(call.request.service)) {
      call.write({ status: 'SERVICE_UNKNOWN' });
      return;
    }
    this.watchers.add(call);
    call.on('cancelled', () => {
      this.watchers.delete(call);
    });
    call.write({ status: this.state });
  }

  private knows(service: string): boolean {
    return service === '' || this.services.includes(service);
  }
}
