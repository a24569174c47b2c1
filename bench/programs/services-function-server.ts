/** A function server as a program has it that changes nothing; prints its port. */
import { Services } from 'berth-services';
import { endWithParent } from './lifeline.js';
import { Empty } from './services-classes.js';

endWithParent();
const services = new Services({ services: [Empty] });
await services.startServer({ port: 0 });
console.log(`port ${String(services.getServerInfo().port)}`);
