#!/usr/bin/env node
/** `npm run services`: a function server, an agent, and calls of both. */
import { InvalidArgumentError, program } from 'commander';
import { Nats, Services, ServicesError } from 'berth-services';
import { Counter } from './counter.js';
import { thingsToTry } from './hints.js';
import { TextTools } from './text-tools.js';
import { walkThrough } from './walk-through.js';

const HOST = '127.0.0.1';

interface Flags {
  readonly port: number;
  readonly nats?: string;
}

program
  .name('services')
  .description('A function server and an object agent with two small services.')
  .option('--port <number>', 'of the function server, 0 takes any free one', portOf, 8090)
  .option('--nats <url>', 'bus and objects over NATS, such as nats://127.0.0.1:4222; without it in memory')
  .action(main);
await program.parseAsync();

async function main({ port, nats }: Flags): Promise<void> {
  const stop = new AsyncDisposableStack();
  try {
    const { bus, store } = nats === undefined ? {} : stop.use(await Nats.connect({ servers: nats }));
    const services = new Services({ services: [Counter, TextTools], bus, store, server: { host: HOST } });
    stop.defer(() => services.close());
    const closed = services.closeOnSignals();

    await services.startServer({ port });
    const agent = await services.startAgent(Counter);
    const address = `${HOST}:${services.getServerInfo().port ?? ''}`;
    const where = nats === undefined ? 'in memory' : 'over NATS';
    console.log(`Function server at ${address}, agent ${agent}, bus and objects ${where}.`);

    await walkThrough(address, services.bus);
    console.log(`\nThings to try:\n\n${thingsToTry(address)}\n\nCtrl-C ends everything.`);
    await closed;
  } catch (thrown) {
    if (!(thrown instanceof ServicesError)) throw thrown;
    console.error(thrown.message);
    process.exitCode = 1;
  } finally {
    // In reverse: calls end first, then what carried them goes.
    await stop.disposeAsync();
  }
}

function portOf(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return Number(text);
}
