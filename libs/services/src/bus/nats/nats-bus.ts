import type { NatsConnection } from '@nats-io/transport-node';
import { ServicesError } from '../../errors.js';
import { CarriedBus } from '../engine/carried-bus.js';
import { type CarriedBusOptions, carriedBusTimes } from '../bus-options.js';
import { connectNats, type NatsServer } from '../../nats/connect.js';
import { NatsCarrier } from './nats-carrier.js';

/** What a {@link NatsBus} is made with. All processes of one bus need the same `prefix`, times and bounds. */
export interface NatsBusOptions extends CarriedBusOptions, NatsServer {
  /** a connection of its owner's, which stays open when the bus is closed; instead of `servers` */
  readonly client?: NatsConnection | undefined;
  /** in front of all subjects, 'berth': words of letters, digits, `_` and `-` with dots between them */
  readonly prefix?: string | undefined;
}

/** Calls between processes over core NATS; see {@link CarriedBus}. */
export class NatsBus extends CarriedBus {
  /**
   * Connects, and resolves when it knows who is there.
   *
   * @throws ServicesError `BERTH_SERVICE_BUS_UNAVAILABLE` no server within `connectTimeoutMs`;
   *   `BERTH_SERVICE_INVALID` names the option that is wrong
   */
  static async connect(options: NatsBusOptions = {}): Promise<NatsBus> {
    const { prefix = 'berth', client } = options;
    if (!/^[\w-]+(\.[\w-]+)*$/.test(prefix) || prefix.length > 100)
      throw new ServicesError('BERTH_SERVICE_INVALID', `prefix '${prefix}' must be words of letters, digits, _ and -`);
    const { connectTimeoutMs } = carriedBusTimes(options);
    const connection = client ?? (await connectNats(options, connectTimeoutMs, 'BERTH_SERVICE_BUS_UNAVAILABLE'));
    const bus = new NatsBus(new NatsCarrier(connection, prefix, client === undefined), options);
    try {
      await bus.open();
    } catch (thrown) {
      await bus.close();
      throw thrown;
    }
    return bus;
  }
}
