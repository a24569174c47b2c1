import { createServer, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import type { Arrival } from './take-listener.js';

/**
 * What Node has no public option for: a minor version of HTTP/1 that it does not
 * know is to be read as 1.1 (RFC 9110 section 2.5), and its parser answers 400.
 * Its only public switch, `insecureHTTPParser`, makes everything lenient with it.
 * So the parsers of chosen servers are told to leave the version to us; with a
 * Node that is built differently it stays at the 400, and minor-versions.spec.ts
 * says so.
 */
interface ParserClass {
  readonly REQUEST?: number;
  readonly kLenientVersion?: number;
  readonly prototype: { initialize?: Initialize };
}
type Initialize = (
  this: unknown,
  type: number,
  resource: unknown,
  maxHead: number,
  flags: number,
  list: unknown,
) => void;

/** a connection of such a server is being given its parser */
let accepting = false;
let isPrepared = false;

/**
 * Lets requests of every HTTP version reach a server, which then looks at
 * `httpVersionMajor` by itself. To be called before it listens.
 *
 * @param server without connections
 */
export function acceptAllVersions(server: Server, arrives: Arrival = 'connection'): void {
  if (!isPrepared) {
    isPrepared = true;
    prepare(parserClass());
  }
  // Node's own listener, which makes the parser, stands between these two.
  server.prependListener(arrives, () => (accepting = true));
  server.on(arrives, () => (accepting = false));
}

function prepare({ REQUEST, kLenientVersion, prototype }: ParserClass): void {
  const { initialize } = prototype;
  if (REQUEST === undefined || kLenientVersion === undefined || initialize === undefined) return;
  prototype.initialize = function (type, resource, maxHead, flags, list) {
    const own = accepting && type === REQUEST ? flags | kLenientVersion : flags;
    initialize.call(this, type, resource, maxHead, own, list);
  };
}

/** The class of Node's parser, which it gives to every connection of a server. */
function parserClass(): ParserClass {
  const nobody = new Duplex({ read: () => undefined });
  createServer().emit('connection', nobody);
  const { parser } = nobody as Duplex & { parser?: { constructor: ParserClass } };
  nobody.destroy();
  return parser?.constructor ?? { prototype: {} };
}
