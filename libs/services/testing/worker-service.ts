import { Getter, Method, State } from '../src/definition/method-decorators.js';
import { Service } from '../src/definition/service-decorator.js';
import type { CallContext } from '../src/invocation/call-context.js';
import { ServiceObject } from '../src/runtime/service-object.js';

/** Serves with agents and with a server. */
@Service('Worker', { package: 'test' })
export class Worker extends ServiceObject {
  @Getter({ serveWithAgent: true }) @State() done = 0;

  @Method({ serveWithAgent: true }) work(by: number): number {
    this.done += by;
    return this.done;
  }
  @Method({ serveWithAgent: true, stateless: true }) ping(): string {
    return 'pong';
  }
  @Method() who(): string {
    return this.objectId ?? 'nobody';
  }
  @Method({ stateless: true }) where(_: undefined, { partition }: CallContext): number {
    return partition;
  }
}

/** Has nothing for agents. */
@Service('ServerOnly', { package: 'test' })
export class ServerOnly {
  @Method({ stateless: true }) hello(): string {
    return 'hello';
  }
}

/** Is no service, since nothing says so. */
export class Undecorated extends ServiceObject {}
