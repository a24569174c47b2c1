/** The walk of a small GET, as docs/data-path.md shows it: node tools/walk.ts prints it, with --write it goes into the page. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

type Leg = readonly [title: string, steps: readonly (readonly [file: string, ...functions: string[]])[]];

const INGRESS = 'apps/gateway/src/ingress/';
const PROTOCOL = 'libs/tunnel-protocol/src/';
const FORWARD = 'apps/agent/src/forward/';
const POOL = 'libs/agent-pool/src/agent-pool.ts';
const HEADERS = 'libs/http-rules/src/headers.ts';

/** In the order in which code of ours runs; a file stands again where the walk comes back to it. */
export const WALK: readonly Leg[] = [
  [
    'The request at the gateway',
    [
      ['libs/http-server-pool/src/agent-http-server.factory.ts', 'listener'],
      [`${INGRESS}http/agent-ingress.ts`, 'request'],
      [`${INGRESS}http/client-connection.ts`, 'enqueue'],
      [`${INGRESS}http/http-relay.ts`, 'relayRequest'],
      [`${INGRESS}http/request-head.ts`, 'readRequestHead'],
      [HEADERS, 'relayHead'],
      [`${INGRESS}http/forwarded.ts`, 'applyForwarded'],
      ['libs/agent-pool/src/pool-dispatch.ts', 'poolDispatch', 'begin'],
      [POOL, 'pick', 'openOn'],
      ['libs/agent-pool/src/candidates.ts', 'at'],
      [`${PROTOCOL}tunnel-session.ts`, 'open'],
      [`${PROTOCOL}exchange.ts`, 'constructor'],
      [`${PROTOCOL}frame-encoder.ts`, 'open'],
      [`${PROTOCOL}outbox.ts`, 'addControl', 'flush', 'take', 'send'],
      [`${PROTOCOL}grpc-transport.ts`, 'serverTransport'],
    ],
  ],
  [
    'The request at the agent',
    [
      [`${PROTOCOL}grpc-transport.ts`, 'receiveFromServer'],
      [`${PROTOCOL}tunnel-session.ts`, 'receive'],
      [`${PROTOCOL}batch-decoder.ts`, 'decodeBatch'],
      [`${PROTOCOL}exchange-frames.ts`, 'onOpen'],
      [`${FORWARD}forwarder.ts`, 'forward', 'begin'],
      [`${FORWARD}http-forward.ts`, 'start', 'dispatch', 'run', 'send'],
      [`${FORWARD}local-pool.ts`, 'acquire', 'checkOut'],
    ],
  ],
  [
    'The answer at the agent',
    [
      [`${FORWARD}http-forward.ts`, 'onResponseStart', 'onResponseData', 'onResponseEnd'],
      [HEADERS, 'latin1Headers', 'relayHead'],
      [`${PROTOCOL}exchange.ts`, 'sendHead', 'sendData', 'sendEnd'],
      [`${PROTOCOL}tunnel-session.ts`, 'sendHead', 'enqueue'],
      [`${PROTOCOL}frame-encoder.ts`, 'head'],
      [`${PROTOCOL}outbox.ts`, 'addControl', 'addSendable', 'flush', 'take', 'send'],
      [`${PROTOCOL}exchange.ts`, 'takeChunk', 'takeEnd'],
      [`${PROTOCOL}grpc-transport.ts`, 'clientTransport'],
    ],
  ],
  [
    'The answer at the gateway',
    [
      [`${PROTOCOL}grpc-transport.ts`, 'receiveFromClient'],
      [`${PROTOCOL}tunnel-session.ts`, 'receive'],
      [`${PROTOCOL}batch-decoder.ts`, 'decodeBatch'],
      [`${PROTOCOL}exchange-frames.ts`, 'onHead', 'onData', 'onEnd'],
      ['libs/agent-pool/src/observed-sink.ts', 'head', 'data', 'end'],
      [`${INGRESS}http/http-relay.ts`, 'head', 'data', 'end'],
      [`${INGRESS}http/answer-writer.ts`, 'head', 'data', 'end'],
      [HEADERS, 'relayResponseHead'],
      [`${PROTOCOL}exchange.ts`, 'consumed'],
      [`${INGRESS}http/http-relay.ts`, 'responseClosed'],
      [`${INGRESS}http/client-connection.ts`, 'answered'],
    ],
  ],
];

/** @returns how often a leg comes back to a file that it has left */
export function jumpsBack([, steps]: Leg): number {
  return steps.filter(([file], at) => steps.slice(0, at).some(([before]) => before === file)).length;
}

/** Steps whose function is not declared in their file. */
export function missing(read: (file: string) => string): string[] {
  const steps = WALK.flatMap(([, all]) => all);
  return steps.flatMap(([file, ...functions]) => {
    const text = read(file);
    const declared = (name: string): boolean =>
      new RegExp(
        String.raw`^ *(?:export |private |readonly |async |function )*${name}(?:\(| = \(|: \(|<)[^;]*$`,
        'm',
      ).test(text);
    return functions.filter((name) => !declared(name)).map((name) => `${file}: ${name}`);
  });
}

/** The walk as it stands in the page. */
export function walkText(): string {
  const files = new Set(WALK.flatMap(([, steps]) => steps.map(([file]) => file))).size;
  const jumps = WALK.reduce((sum, leg) => sum + jumpsBack(leg), 0);
  const legs = WALK.map(([title, steps]) =>
    [`${title}:`, '', ...steps.map(([file, ...names], at) => `${at + 1}. \`${file}\`: ${names.join(', ')}`)].join('\n'),
  );
  const sum = `${files} files, and ${jumps} jumps back: steps into a file that the same leg has been in before.`;
  return [sum, ...legs].join('\n\n');
}

const PAGE = fileURLToPath(new URL('../docs/data-path.md', import.meta.url));
const PART = /(?<=<!-- walk -->\n\n)[^]*?(?=\n\n<!-- end of walk -->)/;

/** The page as it is, and as it should be. */
export function walkPage(): { is: string; should: string } {
  const is = readFileSync(PAGE, 'utf8');
  return { is, should: is.replace(PART, walkText) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(walkText());
  if (process.argv.includes('--write')) writeFileSync(PAGE, walkPage().should);
}
