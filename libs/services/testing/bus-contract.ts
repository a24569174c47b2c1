import { closingContract } from './bus/closing.js';
import { bytesContract } from './bus/bytes.js';
import { deadlineContract } from './bus/deadlines.js';
import { failureContract } from './bus/failures.js';
import { letterContract } from './bus/letters.js';
import type { MakeBuses } from './bus/lab.js';
import { orderContract } from './bus/order.js';
import { routingContract } from './bus/routing.js';

export type { BusBounds, Buses, MakeBuses } from './bus/lab.js';

/**
 * What every InvocationBus must do (checklist B14), to be called within a `describe`.
 *
 * @param make buses on a broker of its own for each test
 */
export function invocationBusContract(make: MakeBuses): void {
  routingContract(make);
  bytesContract(make);
  orderContract(make);
  deadlineContract(make);
  failureContract(make);
  letterContract(make);
  closingContract(make);
}
